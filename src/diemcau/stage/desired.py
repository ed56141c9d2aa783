"""The rules of the stage, without IO: what a node is to hold, by what a meeting wants and sites send."""

from collections.abc import Collection, Iterator, Mapping

from diemcau.media import wire
from diemcau.meetings.layouts import PRESENTATION, sites_in
from diemcau.stage.checks import lined_up
from diemcau.stage.scene import Machine, Part, Publish, Scene, Source

NOTHING = Source()
NO_MACHINE = Machine()


def program_name(meeting: str) -> str:
    """Name of the meeting's program on every node."""
    return f"meeting/{meeting}"


def asked(
    scene: Scene,
    shown: Collection[str],
    pinned: Collection[str],
    called: Collection[str] = (),
    talked: Collection[str] = (),
) -> dict[str, Publish]:
    """What each site is to send; sites that are to send nothing are left out.

    A camera is asked for while a slot is to show it or still shows it (`shown`: sites whose picture a slot of
    the node carries now, so that the picture before a cut stays until the next is there), while it is on
    preview, or while an operator pinned it. Whoever may be heard next already holds his line (`audio`), so
    that being given the floor does not cost a second connection. The chair is always asked: he is what
    speakers look at. Who is lined up is asked for both, so that the machine sees whether they come. `called`:
    sites whose picture and sound a machine looks at; `talked`: that somebody speaks with in private (sound).
    """
    if not scene.is_open:
        return {}
    staged = set(sites_in((*scene.on_air, *scene.preview, *scene.line_up, *shown))) | set(called)
    voices = {site for site, _ in scene.speakers} | staged | set(talked)
    if scene.chair_site is not None:
        staged.add(scene.chair_site)
        voices.add(scene.chair_site)
    return {
        site: Publish(audio=site in voices, video=site in staged or site in pinned)
        for site in sorted(staged | voices | set(sites_in(pinned)))
    }


def program(
    scene: Scene,
    sources: Mapping[str, Source],
    shown: wire.ProgramState | None,
    live: Collection[str],
    machine: Machine = NO_MACHINE,
) -> wire.ProgramState:
    """The program that a node is to hold for this scene.

    `shown`: what it holds now; `live`: every track that sends. A slot whose site does not send yet keeps its
    picture while that one is live. `machine`: shows its picture where the first slot is empty. While the
    holding picture is on no slot has a picture, and who is heard is heard.
    """
    if not scene.is_open or scene.held:
        slots = [wire.Slot() for _ in scene.on_air]
        mics = _mics(scene, sources) if scene.is_open else []
        return wire.ProgramState(
            program=program_name(scene.meeting), codec=scene.codec, slots=slots, mics=mics
        )
    tracks = [_track(scene, sources, shown, live, slot) for slot in range(len(scene.on_air))]
    if scene.on_air[0] is None:
        tracks[0] = machine.video
    mics = _mics(scene, sources) + ([] if machine.audio is None else [machine.audio])
    slots = [
        wire.Slot(track=track, alternate=_alternate(scene, sources, tracks, slot))
        for slot, track in enumerate(tracks)
    ]
    return wire.ProgramState(program=program_name(scene.meeting), codec=scene.codec, slots=slots, mics=mics)


def _track(
    scene: Scene,
    sources: Mapping[str, Source],
    shown: wire.ProgramState | None,
    live: Collection[str],
    slot: int,
) -> str | None:
    site = scene.on_air[slot]
    if site is None:
        return None
    source = sources.get(site, NOTHING)
    if source.shows(scene.codec):
        return source.video
    before = shown.slots[slot].track if shown is not None and slot < len(shown.slots) else None
    elsewhere = {sources[other].video for other in scene.on_air if other is not None and other in sources}
    # Not a picture that its own slot shows now: nobody is to be seen twice.
    return before if before in live and before not in elsewhere else None


def _alternate(
    scene: Scene, sources: Mapping[str, Source], tracks: list[str | None], slot: int
) -> str | None:
    """What the site on this slot sees in place of itself: the chair, or the chair his last speaker. A
    presentation is of no site, and its presenter sees it as all do."""
    site = scene.on_air[slot]
    if site is None or site == PRESENTATION:
        return None
    if site != scene.chair_site:
        candidates = [scene.chair_site]
    else:
        speakers = [speaker for speaker, _ in scene.speakers]
        candidates = [*(seen for seen in scene.before if seen in speakers), *speakers]
    for candidate in candidates:
        if candidate is None or candidate == site:
            continue
        source = sources.get(candidate, NOTHING)
        if source.shows(scene.codec) and source.video not in tracks:
            return source.video
    return None


def _mics(scene: Scene, sources: Mapping[str, Source]) -> list[str]:
    sites = [scene.chair_site] if scene.chair_site is not None else []
    sites += [site for site, _ in scene.speakers if site != scene.chair_site]
    return [
        track
        for site in sites
        if scene.mic_of(site) == "open" and (track := sources.get(site, NOTHING).audio) is not None
    ]


def changes(desired: wire.ProgramState, actual: wire.ProgramState | None) -> Iterator[wire.Command]:
    """Commands that make a node's program what it is to be; microphones first: muted is muted at once."""
    name = desired.program
    if actual is None or actual.codec != desired.codec or len(actual.slots) != len(desired.slots):
        yield wire.ProgramSetCommand(
            program=name, codec=desired.codec, slots=desired.slots, mics=desired.mics
        )
        return
    if actual.mics != desired.mics:
        yield wire.MicsSetCommand(program=name, mics=desired.mics)
    for number, (slot, before) in enumerate(zip(desired.slots, actual.slots, strict=True)):
        if slot != before:
            yield wire.SlotSetCommand(program=name, slot=number, track=slot.track, alternate=slot.alternate)


def parts(
    scene: Scene,
    asked_of: Mapping[str, Publish],
    sources: Mapping[str, Source],
    shown: Collection[str],
    encoding: Collection[str] = (),
    called: Collection[str] = (),
    pinned_by: Mapping[str, Collection[str]] | None = None,
) -> dict[str, Part]:
    """Each concerned site's part; who is not in it has the part of a listener, `Part()`.

    `encoding`: sites that an encoder sends for, all the time: their pages are not asked to. `called`: sites
    whose microphone a machine listens to, beside the meeting. `pinned_by`: the people who look at each.
    """
    if not scene.is_open:
        return {}
    speakers = dict(scene.speakers)
    found: dict[str, Part] = {}
    for site in sorted({*asked_of, *speakers, *sites_in(shown)}):
        mic = "open" if site in called else scene.mic_of(site)
        source = sources.get(site, NOTHING)
        state = Part().state
        if site in shown and site in scene.on_air:
            state = "on_air"
        elif site in speakers:
            # Until his voice can be heard he is asked, not speaking: the page shows its one big button.
            state = "speaking" if mic != "off" and source.audio_live else "invited_to_speak"
        seen_by = tuple(sorted(pinned_by.get(site, ()))) if pinned_by else ()
        publish = None if site in encoding else asked_of.get(site)
        checked = site in lined_up(scene) and mic != "open" and state != "on_air"
        found[site] = Part(publish, state, mic, seen_by, checked)
    return found
