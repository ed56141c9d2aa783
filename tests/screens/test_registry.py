"""Windows: one name is one person's, what was told survives a reload, and there are never too many."""

from datetime import UTC, datetime
from typing import Any

import pytest

from diemcau.errors import Busy, Conflict
from diemcau.screens import Order, Screen, ScreenNotFound, Show, Status
from diemcau.screens.registry import KEPT_SHOWS, MAX_OWN, MAX_SCREENS, Registry

AT = datetime(2021, 9, 5, 1, 30, tzinfo=UTC)


def window(
    name: str = "window-1", person: str = "p_1", heard: list[Any] | None = None, **more: Any
) -> Screen:
    def tell(show: Show, order: Order | None) -> None:
        if heard is not None:
            heard.append((show, order))

    given = {"kind": "stage", "show": Show(), "status": Status()} | more
    return Screen(name, "m_1", given["kind"], person, "An", "", AT, tell, given["show"], given["status"])


def test_a_window_that_comes_back_shows_what_it_was_told() -> None:
    registry, heard = Registry(), []
    first = window(heard=heard)
    registry.open(first)
    registry.tell(first, Show(captions=True), None)
    assert heard == [(Show(captions=True), None)]
    second = window()
    assert registry.open(second) == Show(captions=True)
    assert not registry.close(first), "the newer connection stays"
    assert registry.get("m_1", "window-1") is second
    assert registry.close(second)
    assert registry.open(window(show=Show(sound=True))) == Show(captions=True)


def test_a_new_window_shows_what_it_came_with_as_after_a_restart_of_the_server() -> None:
    assert Registry().open(window(show=Show(captions=True))) == Show(captions=True)


def test_nobody_takes_another_persons_window() -> None:
    registry = Registry()
    registry.open(window())
    with pytest.raises(Conflict):
        registry.open(window(person="p_2"))


def test_a_window_that_is_gone_is_not_found() -> None:
    registry = Registry()
    one = window()
    registry.open(one)
    registry.close(one)
    with pytest.raises(ScreenNotFound):
        registry.get("m_1", "window-1")
    assert registry.listing("m_1") == [] and len(registry) == 0


def test_windows_are_bounded_for_a_person_and_a_meeting() -> None:
    registry = Registry()
    for number in range(MAX_OWN):
        registry.open(window(f"window-{number}"))
    with pytest.raises(Busy):
        registry.open(window("one-more"))
    registry.open(window("window-0"))  # one that is open already may come again
    for number in range(MAX_SCREENS - MAX_OWN):
        registry.open(window(f"other-{number}", f"q_{number}"))
    with pytest.raises(Busy):
        registry.open(window("one-more", "p_new"))


def test_what_is_remembered_of_windows_that_are_gone_is_bounded() -> None:
    registry = Registry()
    for number in range(KEPT_SHOWS + 10):
        one = window(f"window-{number}", show=Show(sound=True))
        registry.open(one)
        registry.close(one)
    assert len(registry._shows) == KEPT_SHOWS
    assert registry.open(window("window-0")) == Show(), "the longest unused went"
