"""Pictures of many sites: the order that was asked for, never more than the budget, bounded memory."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diemcau.api.pictures import MAX_PICTURE, Allowance, Pictures, choose
from diemcau.errors import BadRequest, TooLarge

AT = datetime(2021, 9, 5, 1, 30, tzinfo=UTC)
HEAD = b"\xff\xd8\xff"


def jpeg(size: int, fill: bytes = b"x") -> bytes:
    return HEAD + fill * (size - len(HEAD))


def test_what_came_since_is_told_oldest_first_and_once_a_site() -> None:
    pictures = Pictures()
    for site in ("s_1", "s_2", "s_3", "s_1"):
        pictures.put(site, jpeg(10), AT)
    assert [site for site, _ in pictures.since(0)] == ["s_2", "s_3", "s_1"]
    assert [site for site, _ in pictures.since(3)] == ["s_1"]
    assert pictures.since(4) == []


def test_the_longest_unreplaced_goes_when_memory_is_full_and_small_copies_count() -> None:
    pictures = Pictures(max_bytes=100)
    pictures.put("s_1", jpeg(30), AT, jpeg(10))
    pictures.put("s_2", jpeg(50), AT)
    pictures.put("s_3", jpeg(20), AT)
    assert pictures.get("s_1") is None and len(pictures) == 2 and pictures.bytes == 70
    assert pictures.dropped == 1


def test_no_picture_is_taken_that_is_none_or_too_large() -> None:
    pictures = Pictures()
    with pytest.raises(BadRequest):
        pictures.put("s_1", b"GIF89a", AT)
    with pytest.raises(BadRequest):
        pictures.put("s_1", jpeg(10), AT, b"GIF89a")
    with pytest.raises(TooLarge):
        pictures.put("s_1", jpeg(MAX_PICTURE + 1), AT)
    assert len(pictures) == 0


@given(
    sizes=st.lists(st.integers(3, 2000), min_size=1, max_size=40),
    haves=st.lists(st.integers(0, 40), min_size=40, max_size=40),
    most=st.integers(0, 20_000),
    small=st.booleans(),
)
def test_an_answer_keeps_order_and_budget_and_only_stops_at_one_that_does_not_fit(
    sizes: list[int], haves: list[int], most: int, small: bool
) -> None:
    pictures = Pictures()
    for index, size in enumerate(sizes):
        pictures.put(f"s_{index}", jpeg(size), AT, jpeg(max(3, size // 3)) if index % 2 else None)
    wanted = [(f"s_{index}", haves[index]) for index in range(len(sizes))]
    chosen = choose(wanted, pictures.get, most, small=small)
    assert chosen.size <= most
    newer = [site for site, have in wanted if (one := pictures.get(site)) is not None and one.number > have]
    sent = [site for site, _, _ in chosen.pictures]
    assert sent == newer[: len(sent)]
    if len(sent) < len(newer):
        following = pictures.get(newer[len(sent)])
        assert following is not None and chosen.full
        assert chosen.size + len(following.of_size(small=small)) > most
    else:
        assert not chosen.full


@given(
    steps=st.lists(
        st.tuples(st.floats(0, 3), st.sampled_from("abc"), st.integers(0, 1 << 20)), min_size=1, max_size=60
    )
)
def test_nobody_gets_more_than_his_rate_nor_all_together_more_than_theirs(
    steps: list[tuple[float, str, int]],
) -> None:
    now = [0.0]
    allowance = Allowance(100_000, 150_000, lambda: now[0])
    sent: dict[str, int] = dict.fromkeys("abc", 0)
    for passed, who, wanted in steps:
        now[0] += passed
        taken = min(wanted, max(0, allowance.left(who)))
        allowance.spend(who, taken)
        sent[who] += taken
    burst = Allowance.BURST_S
    for count in sent.values():
        assert count <= 100_000 * (now[0] + burst) + 1
    assert sum(sent.values()) <= 150_000 * (now[0] + burst) + 1


def test_a_budget_smaller_than_a_picture_still_lets_it_come_at_some_time() -> None:
    now = [0.0]
    allowance = Allowance(1000, 1000, lambda: now[0])
    allowance.spend("a", allowance.left("a"))
    now[0] = MAX_PICTURE / 1000
    assert allowance.left("a") >= MAX_PICTURE
