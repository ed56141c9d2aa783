"""What a media node is told so that it holds what a meeting wants: the difference, and nothing else."""

import contextlib
from collections.abc import Mapping

from diemcau.media import MediaError, MediaNode, wire
from diemcau.media import ViewerNotFound as NodeViewerNotFound
from diemcau.stage import desired
from diemcau.stage.mirror import Mirror
from diemcau.stage.scene import Machine, Scene, Source
from diemcau.stage.watched import StageCounters, Watched


class Mending:
    """Commands to one node; what was sent is taken over into the mirror."""

    def __init__(
        self, node: MediaNode, mirror: Mirror, watched: Mapping[str, Watched], counters: StageCounters
    ) -> None:
        """`mirror`, `watched`: as the keeper holds them."""
        self._node, self._mirror, self._watched, self._counters = node, mirror, watched, counters
        self._line_up: list[str] = []

    def node_is_up(self) -> None:
        """It may be another process: the line-up is told anew."""
        self._line_up = []

    async def mend(self, meeting: str, watched: Watched, machine: Machine) -> None:
        """Makes the node hold what the meeting wants. Raises MediaError: then it is not known what it holds,
        and its program is to be set whole."""
        try:
            await self._program(meeting, watched, machine)
            await self._pins(meeting)
            await self._prepare()
        except MediaError:
            self._mirror.programs.pop(desired.program_name(meeting), None)
            raise

    async def drop(self, meeting: str) -> None:
        """The node lets go of the meeting's program. Raises MediaError."""
        name = desired.program_name(meeting)
        await self._node.call(wire.ProgramDeleteCommand(program=name))
        self._mirror.programs.pop(name, None)

    async def _program(self, meeting: str, watched: Watched, machine: Machine) -> None:
        name = desired.program_name(meeting)
        actual = self._mirror.programs.get(name)
        wanted = desired.program(
            watched.scene,
            self._mirror.sources(meeting),
            actual,
            self._mirror.live_tracks(meeting),
            machine,
        )
        for command in desired.changes(wanted, actual):
            await self._node.call(command)
            self._counters.cuts += isinstance(command, wire.SlotSetCommand)
        self._mirror.programs[name] = wanted
        if not watched.scene.is_open:
            await self.drop(meeting)

    async def _pins(self, meeting: str) -> None:
        sources = self._mirror.sources(meeting)
        for viewer in self._mirror.pinning(meeting):
            for line in sorted({*viewer.pins, *viewer.pointed}):
                pin = viewer.pins.get(line)
                source = Source() if pin is None else sources.get(pin.site, Source())
                # Also before it sends: the node then shows its very first picture.
                track = source.video
                wanted = (track, pin.ceiling if pin is not None else "high")
                if viewer.pointed.get(line, (None, "high"))[0] == track and (
                    track is None or viewer.pointed[line] == wanted
                ):
                    continue
                with contextlib.suppress(NodeViewerNotFound):  # its `viewer_gone` is on its way
                    await self._node.call(
                        wire.ViewerPinCommand(viewer=viewer.name, line=line, track=track, ceiling=wanted[1])
                    )
                viewer.pointed[line] = wanted

    async def _prepare(self) -> None:
        """The line-up: one list for all meetings of the node."""
        tracks = sorted(
            source.video
            for meeting, watched in self._watched.items()
            for sources in [self._mirror.sources(meeting)]
            for slot in _ready(watched.scene)
            if (source := sources.get(slot)) is not None and source.video is not None and source.video_live
        )
        if tracks != self._line_up:
            await self._node.call(wire.LineUpCommand(tracks=tracks))
            self._line_up = tracks


def _ready(scene: Scene) -> set[str]:
    """
    Whose keyframes keep coming: the line, the preview, and behind the holding picture what was on air. Not
    what is shown: ten thousand viewers would be sent keyframes for nothing.
    """
    waiting = {*scene.line_up, *scene.preview}
    ready = waiting | set(scene.on_air) if scene.held else waiting - set(scene.on_air)
    return {slot for slot in ready if slot is not None}
