"""Doors of self-tests: a site's turn, its loop through the media node, its result; results for operators."""

from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from diemcau.api.asker import CurrentAsker, CurrentServices
from diemcau.api.live.viewing import counted
from diemcau.api.schemas import Offer, Strict
from diemcau.rollout.selftest import Figures

router = APIRouter(prefix="/api/v1", tags=["self-tests"])


class SelfTestTurn(BaseModel):
    """`running`: measure now, for `seconds` more. `waiting`: at `place` (1: the next) of `of`, about
    `seconds`; ask again in `again` seconds."""

    state: Literal["running", "waiting"]
    place: int
    of: int
    seconds: int
    again: int


class SelfTestOffer(Strict):
    """`POST /self-test/publisher`."""

    offer: Offer


class SelfTestWatch(Strict):
    """`POST /self-test/viewer`. `loop`: what the site sends comes back; `way`: nothing comes, it only
    shows that a way leads to the media node."""

    offer: Offer
    what: Literal["loop", "way"] = "loop"


class SelfTestAnswer(BaseModel):
    """The media node's answer."""

    answer: str


class SelfTestAdvice(BaseModel):
    """What is, and one action, in both languages. `fault`: for this the test was not passed."""

    code: str
    part: Literal["camera", "microphone", "speaker", "network", "browser"]
    fault: bool
    vi: str
    en: str


class SelfTestResult(BaseModel):
    """A stored self-test."""

    id: str
    site: str
    at: str
    passed: bool
    advice: list[SelfTestAdvice]
    figures: dict[str, Any]


class SelfTestList(BaseModel):
    """The site's self-tests, newest first."""

    tests: list[SelfTestResult]


@router.post("/self-test")
async def begin(request: Request, asker: CurrentAsker, services: CurrentServices) -> SelfTestTurn:
    """The site's turn to measure its network; asked again while it waits."""
    request.app.state.limits.self_tests.take(asker.actor.key)
    turn = await services.self_tests.begin(asker.actor)
    return SelfTestTurn(
        state="running" if turn.running else "waiting",
        place=turn.place,
        of=turn.of,
        seconds=turn.seconds,
        again=turn.again,
    )


@router.post("/self-test/publisher", status_code=201)
async def publish(body: SelfTestOffer, asker: CurrentAsker, services: CurrentServices) -> SelfTestAnswer:
    """A send-only connection of the running self-test; never on any stage."""
    with counted(services, "self_test_publisher"):
        return SelfTestAnswer(answer=await services.self_tests.publish(asker.actor, body.offer))


@router.post("/self-test/viewer", status_code=201)
async def watch(body: SelfTestWatch, asker: CurrentAsker, services: CurrentServices) -> SelfTestAnswer:
    """A receive-only connection of the running self-test."""
    with counted(services, "self_test_viewer"):
        answer = await services.self_tests.watch(asker.actor, body.offer, looped=body.what == "loop")
        return SelfTestAnswer(answer=answer)


@router.delete("/self-test", status_code=204)
async def end(asker: CurrentAsker, services: CurrentServices) -> None:
    """Measured, or given up: the next site's turn."""
    await services.self_tests.end(asker.actor)


@router.post("/self-test/result", status_code=201)
async def report(
    body: Figures, request: Request, asker: CurrentAsker, services: CurrentServices
) -> SelfTestResult:
    """Stores what the site measured; answers whether it passed, and the advice."""
    request.app.state.limits.self_tests.take(asker.actor.key)
    result = await services.self_tests.report(asker.actor, body)
    return SelfTestResult.model_validate(result.to_json())


@router.get("/sites/{site}/tests")
async def results(site: str, asker: CurrentAsker, services: CurrentServices) -> SelfTestList:
    """The site's last self-tests, for itself and for those who may see it."""
    found = await services.self_tests.results(asker.actor, site)
    return SelfTestList(tests=[SelfTestResult.model_validate(result.to_json()) for result in found])
