"""A director's hands on a real page: every key and click goes through here and is counted."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from playwright.sync_api import Locator, Page

IN_SIGHT = """(element) => {
  const {left, top, width, height} = element.getBoundingClientRect();
  const found = document.elementFromPoint(left + width / 2, top + height / 2);
  return element.contains(found);
}"""


@dataclass
class Count:
    """What a task took. `letters`: typed into a field; `keys`: presses that do something, a chord is one;
    `seconds`: of the machine, from the first act to what was waited for last."""

    task: str
    ideal: int
    letters: int = 0
    keys: int = 0
    clicks: int = 0
    scrolls: int = 0
    seconds: float = 0.0
    acts: list[str] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """Presses, clicks, scrolls; letters are the name itself."""
        return self.keys + self.clicks + self.scrolls


class Hands:
    """Keyboard and pointer of one page. Acts outside a task are not counted."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.tasks: list[Count] = []
        self._now: Count | None = None

    @contextmanager
    def task(self, name: str, ideal: int) -> Iterator[Count]:
        """Counts what happens inside. `ideal`: steps that a person cannot do without."""
        count = self._now = Count(name, ideal)
        began = time.monotonic()
        try:
            yield count
            count.seconds = time.monotonic() - began
            self.tasks.append(count)
        finally:
            self._now = None

    def press(self, key: str) -> None:
        """One press, or one chord."""
        self.page.keyboard.press(key)
        if self._now is not None:
            self._now.keys += 1
            self._now.acts.append(key)

    def type(self, text: str) -> None:
        """Letters, wherever the focus is: a field that has lost it gets none."""
        self.page.keyboard.type(text)
        if self._now is not None:
            self._now.letters += len(text)
            self._now.acts.append(f"“{text}”")

    def click(self, where: Locator, name: str) -> None:
        """One click of the pointer, and one step more where it has to be scrolled to first."""
        hidden = not where.evaluate(IN_SIGHT)
        where.click()
        if self._now is not None:
            self._now.clicks += 1
            if hidden:
                self._now.scrolls += 1
                self._now.acts.append("(scroll)")
            self._now.acts.append(f"[{name}]")
