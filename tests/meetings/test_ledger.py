"""The bitmaps count what sets would count, whatever comes in whatever order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from diemcau.meetings.commands import Post
from diemcau.meetings.ledger import Ledger, Receipt
from diemcau.meetings.meeting import Meeting
from diemcau.units import Units
from tests.meetings.world import SECRETARY, World

UNITS = Units.load("2021-09")
takes = st.lists(
    st.tuples(
        st.sampled_from(("a", "b", "to_one")), st.sampled_from(("s_70", "s_2", "s_3")), st.booleans()
    ).filter(lambda take: take[0] != "to_one" or take[1] == "s_70"),
    max_size=30,
)


@given(takes, st.lists(st.integers(1, 7)), st.integers(0, 30))
@settings(max_examples=80, deadline=None)
def test_the_bitmaps_count_what_sets_count(
    taken: list[tuple[str, str, bool]], cuts: list[int], loaded_at: int
) -> None:
    ledger, want = Ledger(), dict[str, tuple[set[str], set[str]]]()
    ledger.follow(_three_messages(), {"s_70", "s_4"})
    done: list[tuple[str, str, bool]] = []
    while taken:
        size = cuts.pop() if cuts else 1
        batch, taken = taken[:size], taken[size:]
        ledger.mark(Receipt(*one) for one in batch)
        done += batch
        if len(done) >= loaded_at and ledger.unloaded(("a",)):
            # What the database held then, read late: nothing that came meanwhile is lost.
            held = [one for one in done[: len(done) // 2] if one[0] == "a"]
            ledger.load("a", [s for _, s, yes in held if not yes], [s for _, s, yes in held if yes])
    for message in ("a", "b", "to_one"):
        got = {site for name, site, _ in done if name == message}
        answered = {site for name, site, yes in done if name == message and yes}
        want[message] = (got, answered)
        asked = {"s_70"} if message == "to_one" else {"s_70", "s_4"}
        for among in ({"s_70", "s_2", "s_3", "s_4"}, {"s_2", "s_9"}, set[str]()):
            figures = ledger.figures((message,), among)[message]
            assert figures.got == len(got & among)
            assert figures.answered == len(answered & among)
            assert figures.of == len((got | asked) & among)
            missing, unanswered = ledger.missing(message, among, 10)
            assert set(missing) == (asked - got) & among
            assert set(unanswered) == ((got | asked) - answered) & among
        for site in ("s_70", "s_2", "s_3"):
            assert ledger.has(Receipt(message, site, False)) == (site in got)
            assert ledger.has(Receipt(message, site, True)) == (site in answered)


def _three_messages() -> Meeting:
    world = World(UNITS).opened()
    for name, to in (("a", "all"), ("b", "all"), ("to_one", "s_70")):
        world.new_id = lambda _, name=name: name  # type: ignore[misc, assignment]
        world.do(SECRETARY, Post("x", to, ask=True))
    return world.state
