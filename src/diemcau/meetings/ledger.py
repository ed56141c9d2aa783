"""Who has which message of one meeting, as bitmaps in memory: ten thousand sites are 1.2 kB a message, and a
figure is a few microseconds. No IO; what is stored is in `message_receipts` (receipts.py).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from diemcau.meetings.meeting import Meeting, TextMessage


@dataclass(frozen=True, slots=True)
class Figures:
    """Sites that have a message, that have answered it, that it was for so far."""

    got: int
    answered: int
    of: int

    def to_json(self) -> dict[str, int]:
        """As the protocol writes it."""
        return {"got": self.got, "answered": self.answered, "of": self.of}


@dataclass(frozen=True, slots=True)
class Receipt:
    """One site has one message; `answered`: and has answered it."""

    message: str
    site: str
    answered: bool


@dataclass(slots=True)
class _Tally:
    """Bit n: the site with number n. `told`: what was last published. `loaded`: rows of before are in."""

    asked: int = 0
    got: int = 0
    answered: int = 0
    loaded: bool = False
    told: tuple[int, int, int] | None = None


class Ledger:
    """The receipts of the messages to sites that the state holds."""

    def __init__(self) -> None:
        self.messages: dict[str, TextMessage] = {}
        self.seq = 0
        self._numbers: dict[str, int] = {}
        self._sites: list[str] = []
        self._tallies: dict[str, _Tally] = {}

    def follow(self, meeting: Meeting, present: Collection[str]) -> None:
        """Takes up the messages of the state; whoever is in the meeting now is asked for all of them."""
        if meeting.seq > self.seq:
            self.seq = meeting.seq
            self.messages = {one.id: one for one in meeting.messages if one.to != "desk"}
            self._tallies = {key: self._tallies.get(key) or _Tally() for key in self.messages}
        here = self._bits(present)
        for key, tally in self._tallies.items():
            to = self.messages[key].to
            tally.asked |= here if to == "all" else self._bits((to,))

    def find(self, message: str, site: str) -> TextMessage | None:
        """The message if it is for the site."""
        found = self.messages.get(message)
        return found if found is not None and found.to in ("all", site) else None

    def has(self, receipt: Receipt) -> bool:
        """Whether that much is stored already."""
        tally = self._tallies.get(receipt.message)
        if tally is None:
            return False
        bits = tally.answered if receipt.answered else tally.got
        return bool(bits >> self._number(receipt.site) & 1)

    def mark(self, receipts: Iterable[Receipt]) -> None:
        """What was stored just now. Messages that the state has forgotten are left out."""
        got: dict[str, list[str]] = {}
        answered: dict[str, list[str]] = {}
        for one in receipts:
            got.setdefault(one.message, []).append(one.site)
            if one.answered:
                answered.setdefault(one.message, []).append(one.site)
        for message, sites in got.items():
            if (tally := self._tallies.get(message)) is not None:
                tally.got |= self._bits(sites)
                tally.answered |= self._bits(answered.get(message, ()))

    def unloaded(self, messages: Iterable[str]) -> list[str]:
        """Those whose stored receipts were not read yet."""
        return [key for key in messages if (tally := self._tallies.get(key)) is not None and not tally.loaded]

    def load(self, message: str, got: Collection[str], answered: Collection[str]) -> None:
        """The stored receipts of a message; what was marked meanwhile stays."""
        if (tally := self._tallies.get(message)) is not None:
            answers = self._bits(answered)
            tally.got |= self._bits(got) | answers
            tally.answered |= answers
            tally.loaded = True

    def recent(self, count: int) -> list[str]:
        """The last messages."""
        return list(self.messages)[-count:]

    def figures(self, messages: Iterable[str], among: Collection[str] | None = None) -> Mapping[str, Figures]:
        """Of each message that is known; `among`: counts these sites only."""
        mask = -1 if among is None else self._bits(among)
        found: dict[str, Figures] = {}
        for key in messages:
            if (tally := self._tallies.get(key)) is not None:
                found[key] = Figures(
                    (tally.got & mask).bit_count(),
                    (tally.answered & mask).bit_count(),
                    ((tally.asked | tally.got) & mask).bit_count(),
                )
        return found

    def missing(self, message: str, among: Collection[str], limit: int) -> tuple[list[str], list[str]]:
        """At most `limit` of the sites that have not got the message, and that have not answered (none when
        it asks for no answer)."""
        tally = self._tallies[message]
        asked = (tally.asked | tally.got) & self._bits(among)
        unanswered = asked & ~tally.answered if self.messages[message].ask else 0
        return self._some(asked & ~tally.got, limit), self._some(unanswered, limit)

    def news(self, messages: Iterable[str]) -> list[str]:
        """Those whose receipts are other than at the last call."""
        found: list[str] = []
        for key in messages:
            tally = self._tallies[key]
            now = (tally.asked, tally.got, tally.answered)
            if now != tally.told:
                tally.told = now
                found.append(key)
        return found

    def _number(self, site: str) -> int:
        number = self._numbers.get(site)
        if number is None:
            number = self._numbers[site] = len(self._sites)
            self._sites.append(site)
        return number

    def _bits(self, sites: Collection[str]) -> int:
        bits = bytearray((len(self._sites) + len(sites)) // 8 + 1)
        for site in sites:
            number = self._number(site)
            bits[number >> 3] |= 1 << (number & 7)
        return int.from_bytes(bits, "little")

    def _some(self, bits: int, limit: int) -> list[str]:
        found: list[str] = []
        while bits and len(found) < limit:
            lowest = bits & -bits
            found.append(self._sites[lowest.bit_length() - 1])
            bits ^= lowest
        return found
