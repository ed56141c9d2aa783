"""The rules of the stage: state in, what a node is to hold out."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diemcau.media import wire
from diemcau.meetings import PRESENTATION
from diemcau.stage import desired
from diemcau.stage.scene import Machine, Part, Publish, Scene, Source

CHAIR, ANN, BEN = "s_chair", "s_ann", "s_ben"

SCENE = Scene(
    meeting="m",
    codec="h264",
    is_open=True,
    on_air=(CHAIR,),
    preview=(None,),
    before=(None,),
    speakers=(),
    chair_site=CHAIR,
    chair_mic="open",
)


def source(name: str, *, live: bool = True, codec: str | None = "h264") -> Source:
    return Source(f"{name}/audio", f"{name}/video", live, live, codec)


SOURCES = {CHAIR: source("c"), ANN: source("a"), BEN: source("b")}
LIVE = {f"{name}/{kind}" for name in "abc" for kind in ("audio", "video")}


def made(
    scene: Scene, sources: dict[str, Source] = SOURCES, shown: wire.ProgramState | None = None
) -> wire.ProgramState:
    live = {s.video for s in sources.values() if s.video_live} | {
        s.audio for s in sources.values() if s.audio_live
    }
    return desired.program(scene, sources, shown, {track for track in live if track})


def test_a_speaker_on_the_stage_sees_the_chair_in_place_of_himself() -> None:
    program = made(replace(SCENE, on_air=(ANN,), speakers=((ANN, "open"),)))
    assert program.slots == [wire.Slot(track="a/video", alternate="c/video")]
    assert program.mics == ["c/audio", "a/audio"]


def test_the_chair_on_the_stage_sees_who_has_the_floor() -> None:
    scene = replace(SCENE, speakers=((BEN, "off"), (ANN, "open")), before=(ANN,))
    assert made(scene).slots == [wire.Slot(track="c/video", alternate="a/video")]
    assert made(SCENE).slots == [wire.Slot(track="c/video")]


def test_nobody_is_seen_twice() -> None:
    program = made(replace(SCENE, on_air=(CHAIR, ANN)))
    assert program.slots == [wire.Slot(track="c/video"), wire.Slot(track="a/video")]


def test_the_picture_before_stays_until_the_next_is_live() -> None:
    shown = made(SCENE)
    cut = replace(SCENE, on_air=(ANN,), before=(CHAIR,))
    waiting = made(cut, SOURCES | {ANN: source("a", live=False)}, shown)
    assert waiting.slots[0].track == "c/video"
    assert made(cut, SOURCES, waiting).slots[0].track == "a/video"


def test_a_picture_that_died_is_not_kept() -> None:
    shown = made(SCENE)
    cut = replace(SCENE, on_air=(ANN,))
    assert made(cut, {CHAIR: source("c", live=False)}, shown).slots[0].track is None


def test_an_emptied_slot_is_empty_at_once() -> None:
    assert made(replace(SCENE, on_air=(None,)), SOURCES, made(SCENE)).slots == [wire.Slot()]


def test_a_source_of_another_codec_is_not_shown() -> None:
    assert made(SCENE, {CHAIR: source("c", codec="vp8")}).slots[0].track is None


@pytest.mark.parametrize("mic", ["off", "muted"])
def test_a_microphone_that_is_not_open_is_not_heard(mic: str) -> None:
    scene = replace(SCENE, speakers=((ANN, mic),), chair_mic="off")  # type: ignore[arg-type]
    assert made(scene).mics == []


def test_a_meeting_that_is_not_open_shows_and_asks_nothing() -> None:
    scene = replace(SCENE, is_open=False, speakers=((ANN, "open"),))
    program = made(scene)
    assert program.slots == [wire.Slot()] and program.mics == []
    assert desired.asked(scene, {CHAIR}, {BEN}) == {}
    assert desired.parts(scene, {}, SOURCES, {CHAIR}) == {}


def test_who_is_asked_for_what() -> None:
    scene = replace(SCENE, on_air=(CHAIR,), preview=(BEN,), speakers=((ANN, "open"),))
    assert desired.asked(scene, (), {"s_wall"}) == {
        ANN: Publish(audio=True, video=False),
        BEN: Publish(audio=True, video=True),
        CHAIR: Publish(audio=True, video=True),
        "s_wall": Publish(audio=False, video=True),
    }


def test_who_is_lined_up_sends_picture_and_sound_and_is_in_no_program() -> None:
    scene = replace(SCENE, line_up=(ANN,), chair_mic="off")
    asked = desired.asked(scene, (), ())
    assert asked[ANN] == Publish(audio=True, video=True)
    assert desired.parts(scene, asked, SOURCES, ())[ANN] == Part(
        asked[ANN], "in_meeting", "off", checked=True
    )
    assert made(scene).mics == [] and made(scene).slots == [wire.Slot(track="c/video")]
    speaking = replace(scene, speakers=((ANN, "open"),))
    assert not desired.parts(speaking, asked, SOURCES, ())[ANN].checked, "the meeting hears it already"


def test_who_is_talked_to_in_private_sends_its_sound_and_the_meeting_does_not_hear_it() -> None:
    quiet = replace(SCENE, chair_mic="off")
    asked = desired.asked(quiet, (), (), talked={ANN})
    assert asked[ANN] == Publish(audio=True, video=False)
    assert desired.parts(quiet, asked, SOURCES, ())[ANN] == Part(asked[ANN])
    assert made(quiet).mics == []


def test_a_machine_shows_where_nobody_is_on_the_stage_and_is_heard_beside_all() -> None:
    machine = Machine("r/3/video", "r/5/audio", frozenset({ANN}))
    empty = replace(SCENE, on_air=(None,), chair_mic="off")
    program = desired.program(empty, SOURCES, None, LIVE, machine)
    assert program.slots == [wire.Slot(track="r/3/video")] and program.mics == ["r/5/audio"]
    program = desired.program(SCENE, SOURCES, None, LIVE, machine)
    assert program.slots == [wire.Slot(track="c/video")] and program.mics == ["c/audio", "r/5/audio"]
    ended = desired.program(replace(empty, is_open=False), SOURCES, None, LIVE, machine)
    assert ended.slots == [wire.Slot()] and ended.mics == []


def test_who_a_machine_calls_sends_and_is_in_no_program() -> None:
    machine = Machine(called=frozenset({ANN}))
    asked = desired.asked(SCENE, (), (), machine.called)
    assert asked[ANN] == Publish(audio=True, video=True)
    told = desired.parts(SCENE, asked, SOURCES, (), (), machine.called)
    assert told[ANN] == Part(Publish(audio=True, video=True), "in_meeting", "open")
    assert "a/audio" not in desired.program(SCENE, SOURCES, None, LIVE, machine).mics


def test_who_is_still_shown_goes_on_sending() -> None:
    assert desired.asked(replace(SCENE, on_air=(ANN,)), {BEN}, ())[BEN].video


@pytest.mark.parametrize(
    ("site", "shown", "live", "mic", "state"),
    [
        (ANN, {ANN}, True, "open", "on_air"),
        (ANN, {CHAIR}, False, "open", "invited_to_speak"),
        (ANN, {CHAIR}, True, "open", "speaking"),
        (ANN, {CHAIR}, True, "muted", "speaking"),
        (ANN, {CHAIR}, True, "off", "invited_to_speak"),
    ],
)
def test_the_state_that_a_page_is_told(site: str, shown: set[str], live: bool, mic: str, state: str) -> None:
    scene = replace(SCENE, on_air=(ANN,), speakers=((ANN, mic),))  # type: ignore[arg-type]
    sources = SOURCES | {ANN: source("a", live=live)}
    part = desired.parts(scene, desired.asked(scene, shown, ()), sources, shown)[site]
    assert part == Part(Publish(True, True), state, mic)  # type: ignore[arg-type]


def test_a_cut_is_one_command_and_muting_comes_first() -> None:
    before = made(replace(SCENE, speakers=((ANN, "open"),)))
    after = made(replace(SCENE, on_air=(BEN,), speakers=((ANN, "muted"),)))
    commands = list(desired.changes(after, before))
    assert [command.cmd for command in commands] == ["mics_set", "slot_set"]
    assert list(desired.changes(after, after)) == []
    assert [command.cmd for command in desired.changes(after, None)] == ["program_set"]


sites = st.sampled_from([CHAIR, ANN, BEN, "s_dan", PRESENTATION])
scenes = st.builds(
    Scene,
    meeting=st.just("m"),
    codec=st.sampled_from(["h264", "vp8"]),
    is_open=st.booleans(),
    on_air=st.lists(st.none() | sites, min_size=1, max_size=4).map(
        lambda slots: tuple(slot if slots.index(slot) == at else None for at, slot in enumerate(slots))
    ),
    preview=st.tuples(st.none() | sites),
    before=st.tuples(st.none() | sites),
    speakers=st.dictionaries(
        st.sampled_from([CHAIR, ANN, BEN]), st.sampled_from(["open", "off", "muted"]), max_size=3
    ).map(lambda speakers: tuple(speakers.items())),
    chair_site=st.none() | st.sampled_from([CHAIR, ANN]),
    chair_mic=st.sampled_from(["open", "off"]),
    held=st.booleans(),
)
sends = st.dictionaries(
    sites, st.tuples(st.booleans(), st.sampled_from(["h264", "vp8", None])), max_size=5
).map(lambda found: {site: source(site, live=live, codec=codec) for site, (live, codec) in found.items()})


def apply(commands: list[wire.Command], program: wire.ProgramState | None) -> wire.ProgramState | None:
    for command in commands:
        if isinstance(command, wire.ProgramSetCommand):
            program = wire.ProgramState(
                program=command.program, codec=command.codec, slots=command.slots, mics=command.mics
            )
        elif program is not None and isinstance(command, wire.MicsSetCommand):
            program = program.model_copy(update={"mics": command.mics})
        elif program is not None and isinstance(command, wire.SlotSetCommand):
            slots = list(program.slots)
            slots[command.slot] = wire.Slot(track=command.track, alternate=command.alternate)
            program = program.model_copy(update={"slots": slots})
    return program


@given(scenes, sends, scenes, sends)
def test_what_must_hold_of_every_program(
    scene: Scene, sources: dict[str, Source], earlier: Scene, before: dict[str, Source]
) -> None:
    shown = made(earlier, before)
    program = made(scene, sources, shown)
    tracks = [slot.track for slot in program.slots if slot.track is not None]
    assert len(set(tracks)) == len(tracks), "somebody is seen twice"
    open_mics = {site for site, mic in scene.speakers if mic == "open"}
    if scene.chair_site and scene.mic_of(scene.chair_site) == "open":
        open_mics.add(scene.chair_site)
    assert {mic.removesuffix("/audio") for mic in program.mics} <= (open_mics if scene.is_open else set())
    assert all(slot.alternate != slot.track for slot in program.slots if slot.track is not None)
    assert apply(list(desired.changes(program, shown)), shown) == program
    live = {source.video for source in sources.values() if source.video_live}
    assert set(tracks) <= live, "a slot shows what nobody sends"
    assert not (scene.held and tracks), "a picture behind the holding picture"
    asked = desired.asked(scene, sources, sources)
    assert PRESENTATION not in {*asked, *desired.parts(scene, asked, sources, sources)}


def test_behind_the_holding_picture_who_is_heard_is_heard_and_who_is_staged_goes_on_sending() -> None:
    scene = replace(SCENE, on_air=(ANN, CHAIR), speakers=((ANN, "open"),), held=True)
    program = made(scene)
    assert program.slots == [wire.Slot(), wire.Slot()]
    assert program.mics == ["c/audio", "a/audio"]
    assert desired.asked(scene, (), ())[ANN] == Publish(audio=True, video=True)
    assert desired.parts(scene, desired.asked(scene, (), ()), SOURCES, ())[ANN].state == "speaking"


def test_what_is_presented_is_seen_by_all_alike() -> None:
    scene = replace(SCENE, on_air=(PRESENTATION, ANN))
    program = made(scene, SOURCES | {PRESENTATION: source("d")})
    assert program.slots == [
        wire.Slot(track="d/video"),
        wire.Slot(track="a/video", alternate="c/video"),
    ]
