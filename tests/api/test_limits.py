"""How often who may command (docs/serving.md)."""

import pytest

from diemcau.access import SYSTEM, Actor, site_actor
from diemcau.api.limits import CommandLimits, RateLimit
from diemcau.errors import TooManyRequests

from .world import NORTH, World

SITE = site_actor(NORTH)
PERSON = Actor("person", "p_1")


class Watch:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(limits: CommandLimits, actor: Actor, kind: str = "hand.raise") -> int:
    """How many are let through before one is refused."""
    for number in range(1000):
        try:
            limits.take(actor, kind)
        except TooManyRequests:
            return number
    return 1000


@pytest.mark.parametrize(
    ("actor", "kind", "burst", "rate"),
    [
        (SITE, "hand.raise", 20, 1.0),
        (SITE, "message.post", 5, 1 / 3),
        (PERSON, "floor.give", 50, 10.0),
        (PERSON, "message.post", 50, 10.0),
    ],
)
def test_an_asker_has_a_burst_and_then_a_rate(actor: Actor, kind: str, burst: int, rate: float) -> None:
    watch = Watch()
    limits = CommandLimits(watch)
    assert taken(limits, actor, kind) == burst
    watch.now += 6.01 / rate
    assert taken(limits, actor, kind) == min(6, burst)


def test_other_askers_are_not_in_the_way_and_the_console_is_not_limited() -> None:
    limits = CommandLimits(Watch())
    taken(limits, SITE)
    assert taken(limits, site_actor("s_other")) == 20
    assert taken(limits, PERSON) == 50
    assert taken(limits, SYSTEM) == 1000


def test_a_site_that_posts_too_much_can_still_raise_its_hand() -> None:
    limits = CommandLimits(Watch())
    for _ in range(20):
        taken(limits, SITE, "message.post")
    assert taken(limits, SITE) == 15


def test_what_a_page_says_by_itself_keeps_no_clerk_from_his_hand() -> None:
    limits = CommandLimits(Watch())
    assert taken(limits, SITE, "message.got") == 20
    assert taken(limits, SITE, "message.answer") == 20


def test_a_refusal_says_how_long_to_wait() -> None:
    limit = RateLimit(1 / 3, 1, Watch())
    limit.take("a")
    with pytest.raises(TooManyRequests) as refused:
        limit.take("a")
    assert refused.value.retry_after == 3


async def test_a_site_that_plays_with_its_hand_is_refused_by_both_doors(world: World) -> None:
    meeting = await world.meeting()
    credential = await world.device(NORTH)
    async with world.socket(credential) as site:
        assert (await site.command("meeting.join", meeting))["op"] == "ack"
        problem, done = None, 0
        while problem is None and done < 200:
            answer = await site.command(("hand.raise", "hand.lower")[done % 2], meeting)
            problem, done = answer.get("problem"), done + 1
        assert problem is not None and problem["code"] == "too_many_requests"
        assert problem["retry_after"] >= 1
        async with world.client(headers={"Authorization": f"Bearer {credential}"}) as client:
            body = {"id": world.command_id(), "type": "hand.raise", "meeting": meeting}
            while (refused := await client.post("/api/v1/commands", json=body)).status_code != 429:
                assert done < 200
                body["id"], done = world.command_id(), done + 1
            assert refused.json()["code"] == "too_many_requests"
            assert int(refused.headers["Retry-After"]) >= 1


async def test_a_refused_command_is_done_under_the_same_id_later(world: World) -> None:
    meeting = await world.meeting()
    async with world.socket(await world.device(NORTH)) as site:
        await site.command("meeting.join", meeting)
        for _ in range(5):
            assert (await site.command("message.post", meeting, text="x", to="desk"))["op"] == "ack"
        frame = {"op": "cmd", "id": "one-more-post", "type": "message.post", "meeting": meeting}
        await site.send({**frame, "text": "x", "to": "desk"})
        assert (await site.next("nack"))["problem"]["code"] == "too_many_requests"
        # The refusal is of this moment: it is not remembered as the answer of the id.
        world.app.state.services.commands._posts = RateLimit(1, 5, Watch())
        await site.send({**frame, "text": "x", "to": "desk"})
        assert (await site.next("ack"))["id"] == "one-more-post"
