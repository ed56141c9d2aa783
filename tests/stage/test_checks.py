"""What the machine says of who comes next."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from diemcau.stage.checks import VOICE_DBOV, Checks, lined_up
from tests.stage.test_desired import ANN, BEN, CHAIR, SCENE

NOW = datetime(2021, 9, 5, 1, 30, tzinfo=UTC)
LATER = NOW + timedelta(seconds=5)


def test_a_voice_counts_from_when_the_site_was_lined_up() -> None:
    checks = Checks()
    assert not checks.hear({ANN: -20}, NOW), "who is not lined up is not looked at"
    assert checks.follow([ANN], [], NOW)
    assert checks.of[ANN].voice_at is None
    assert not checks.hear({ANN: VOICE_DBOV}, LATER), "a quiet room is no voice"
    assert checks.hear({ANN: -31}, LATER)
    assert checks.to_json() == {
        "checks": {
            ANN: {
                "since": "2021-09-05T01:30:00.000Z",
                "picture": False,
                "voice": {"at": "2021-09-05T01:30:05.000Z", "dbov": -31},
            }
        }
    }


def test_a_voice_is_told_again_only_when_it_is_louder() -> None:
    checks = Checks()
    checks.follow([ANN], [], NOW)
    assert checks.hear({ANN: -40}, NOW)
    assert not checks.hear({ANN: -39}, LATER)
    assert checks.hear({ANN: -30}, LATER)
    assert checks.of[ANN].loudest == -30


def test_a_picture_that_stops_loses_its_mark_and_the_voice_keeps_it() -> None:
    checks = Checks()
    checks.follow([ANN], [ANN], NOW)
    checks.hear({ANN: -20}, NOW)
    assert checks.of[ANN].picture
    assert not checks.follow([ANN], [ANN, BEN], LATER), "nothing has changed"
    assert checks.follow([ANN], [BEN], LATER)
    assert not checks.of[ANN].picture and checks.of[ANN].voice_at == NOW


def test_who_comes_back_into_the_line_begins_anew() -> None:
    checks = Checks()
    checks.follow([ANN], [], NOW)
    checks.hear({ANN: -20}, NOW)
    checks.follow([ANN, BEN], [], LATER)
    assert checks.of[ANN].voice_at == NOW
    assert checks.follow([BEN], [], LATER)
    checks.follow([ANN, BEN], [], LATER)
    assert checks.of[ANN].voice_at is None and checks.of[ANN].since == LATER


def test_the_line_and_the_preview_are_looked_at_while_the_meeting_is_open() -> None:
    scene = replace(SCENE, line_up=(BEN, ANN), preview=(ANN, None), on_air=(CHAIR,))
    assert lined_up(scene) == (BEN, ANN)
    assert lined_up(replace(scene, is_open=False)) == ()
