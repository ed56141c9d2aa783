"""A media node in memory, for the tests of the rooms above: the same answers, no packets."""

import asyncio
import itertools
import time

from diemcau.media import wire
from diemcau.media.errors import BadOffer, MediaUnavailable, ViewerNotFound
from diemcau.media.port import Handler, NodeDown, NodeUp


class FakeNode:
    """Keeps viewers, publishers and programs as a node would; tests make tracks live and processes die.

    An offer that does not begin with `v=0` is refused as `bad_offer`; one that holds `VP8` only is a viewer
    without H.264.
    """

    def __init__(self) -> None:
        self.connected = False
        self.commands: list[wire.Command] = []
        self.viewers: dict[str, wire.ViewerState] = {}
        self.publishers: dict[str, wire.PublisherState] = {}
        self.programs: dict[str, wire.ProgramState] = {}
        self.live: dict[str, wire.TrackInfo] = {}
        self.pins: dict[tuple[str, int], str | None] = {}
        self.line_up: list[str] = []
        self.answering = asyncio.Event()  # cleared by a test: offers wait
        self.answering.set()
        self._handlers: list[Handler] = []
        self._incarnation = 0
        self._seq = itertools.count(1)

    def listen(self, handler: Handler) -> None:
        """See `MediaNode.listen`."""
        self._handlers.append(handler)

    # What tests do to it.

    def start(self) -> None:
        """A new process: empty, connected."""
        self._incarnation += 1
        self.viewers, self.publishers, self.programs = {}, {}, {}
        self.live, self.pins, self.line_up = {}, {}, []
        self._seq = itertools.count(1)
        self.reconnect(fresh=True)

    def reconnect(self, *, fresh: bool = False) -> None:
        """The connection stands again, to the same process unless `fresh`."""
        self.connected = True
        self._tell(NodeUp(str(self._incarnation), fresh, self.snapshot()))

    def disconnect(self) -> None:
        """The connection breaks; the process may live on."""
        self.connected = False
        self._tell(NodeDown("test"))

    def go_live(self, track: str, codec: wire.VideoCodec = "h264") -> None:
        """First packets of a track."""
        kind: wire.Kind = "audio" if track.endswith("/audio") else "video"
        info = wire.TrackInfo(
            track=track, kind=kind, codec=None if kind == "audio" else codec, layers=["low", "high"]
        )
        self.live[track] = info
        self._tell(wire.TrackLiveEvent(**self._head(), **info.model_dump()))

    def lose(self, track: str) -> None:
        """No packet of a track for 2 s."""
        self.live.pop(track, None)
        self._tell(wire.TrackLostEvent(**self._head(), track=track))

    def link(self, connection: str, state: wire.LinkState = "connected") -> None:
        """A viewer or publisher changes its state."""
        if connection in self.viewers:
            self.viewers[connection] = self.viewers[connection].model_copy(update={"state": state})
            self._tell(wire.ViewerLinkEvent(**self._head(), viewer=connection, state=state))
        else:
            self.publishers[connection] = self.publishers[connection].model_copy(update={"state": state})
            self._tell(wire.PublisherLinkEvent(**self._head(), publisher=connection, state=state))

    def gone(self, connection: str, reason: str = "timeout") -> None:
        """A viewer or publisher ends."""
        if self.viewers.pop(connection, None):
            self._tell(wire.ViewerGoneEvent(**self._head(), viewer=connection, reason=reason))
        elif self.publishers.pop(connection, None):
            for kind in ("audio", "video"):
                self.live.pop(f"{connection}/{kind}", None)
            self._tell(wire.PublisherGoneEvent(**self._head(), publisher=connection, reason=reason))

    def emit(self, event: wire.Event) -> None:
        """Any other event."""
        self._tell(event)

    def snapshot(self) -> wire.SnapshotEvent:
        """What a node says on connection."""
        return wire.SnapshotEvent(
            **self._head(),
            viewers=list(self.viewers.values()),
            publishers=[
                state.model_copy(
                    update={"tracks": [self.live.get(track.track, track) for track in state.tracks]}
                )
                for state in self.publishers.values()
            ],
            programs=list(self.programs.values()),
        )

    # What control does to it.

    async def call(self, command: wire.Command, *, patience: float = 5.0) -> wire.ReplyData:
        """See `MediaNode.call`."""
        if not self.connected:
            raise MediaUnavailable("No media node is connected")
        self.commands.append(command)
        match command:
            case wire.ViewerOpenCommand():
                await self.answering.wait()
                codecs = _codecs(command.offer)
                self.viewers[command.viewer] = wire.ViewerState(
                    viewer=command.viewer,
                    party=command.party,
                    program=command.program,
                    state="connecting",
                    ceiling=command.ceiling,
                )
                return wire.ViewerReply(
                    answer="v=0\r\n", audio_lines=4, video_lines=command.offer.count("m=video"), codecs=codecs
                )
            case wire.PublisherOpenCommand():
                _codecs(command.offer)
                tracks = [
                    wire.TrackInfo(track=f"{command.publisher}/{kind}", kind=kind, layers=[])
                    for kind in ("audio", "video")
                ]
                self.publishers[command.publisher] = wire.PublisherState(
                    publisher=command.publisher, party=command.party, state="connecting", tracks=tracks
                )
                return wire.PublisherReply(answer="v=0\r\n", tracks=tracks)
            case wire.StatsCommand():
                return _stats(len(self.viewers), len(self.publishers), len(self.live))
            case _:
                self._do(command)
                return wire.DoneReply()

    def _do(self, command: wire.Command) -> None:
        match command:
            case wire.ViewerCloseCommand():
                self.gone(self._viewer(command.viewer).viewer, "closed")
            case wire.ViewerAttachCommand():
                viewer = self._viewer(command.viewer)
                self.viewers[viewer.viewer] = viewer.model_copy(update={"program": command.program})
            case wire.ViewerPinCommand():
                self.pins[self._viewer(command.viewer).viewer, command.line] = command.track
            case wire.PublisherCloseCommand():
                self.gone(command.publisher, "closed")
            case wire.ProgramSetCommand():
                self.programs[command.program] = wire.ProgramState(
                    program=command.program, codec=command.codec, slots=command.slots, mics=command.mics
                )
            case wire.SlotSetCommand():
                program = self.programs[command.program]
                slots = list(program.slots)
                slots[command.slot] = wire.Slot(track=command.track, alternate=command.alternate)
                self.programs[command.program] = program.model_copy(update={"slots": slots})
            case wire.MicsSetCommand():
                program = self.programs[command.program]
                self.programs[command.program] = program.model_copy(update={"mics": command.mics})
            case wire.ProgramDeleteCommand():
                self.programs.pop(command.program, None)
            case wire.LineUpCommand():
                self.line_up = list(command.tracks)
            case wire.SnapshotCommand():
                self._tell(self.snapshot())
            case _:
                pass

    def _viewer(self, name: str) -> wire.ViewerState:
        if name not in self.viewers:
            raise ViewerNotFound(f"No viewer {name}")
        return self.viewers[name]

    def _head(self) -> dict[str, int]:
        return {"seq": next(self._seq), "at": int(time.time() * 1000)}

    def _tell(self, signal: NodeUp | NodeDown | wire.Event) -> None:
        for handler in self._handlers:
            handler(signal)


def _codecs(offer: str) -> list[wire.VideoCodec]:
    if not offer.startswith("v=0"):
        raise BadOffer("The offer is not SDP")
    found: list[wire.VideoCodec] = ["h264"] if "H264" in offer or "VP8" not in offer else []
    return [*found, "vp8"] if "VP8" in offer else found


def _stats(viewers: int, publishers: int, tracks: int) -> wire.StatsReply:
    counted = {name: 0 for name in wire.StatsReply.model_fields if name not in ("kind", "refused")}
    return wire.StatsReply.model_validate(
        counted | {"refused": {}, "viewers": viewers, "publishers": publishers, "tracks": tracks}
    )
