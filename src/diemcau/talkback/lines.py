"""`Lines`: the viewers, publishers and programs of talkbacks at the media node."""

import contextlib
import secrets
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Literal

from diemcau.media import MediaError, MediaNode, wire
from diemcau.stage import PublisherAnswer, ViewerAnswer
from diemcau.talkback.mirror import Link, Mirror, connection_name
from diemcau.talkback.talk import ear


class Lines:
    """Level-triggered: it is told what is to be held, and sends what is missing. Who may open what is asked
    before."""

    def __init__(self, node: MediaNode, unique: Callable[[], str] | None = None) -> None:
        self._node, self._unique = node, unique or (lambda: secrets.token_urlsafe(12))
        self.mirror = Mirror()

    async def open_viewer(self, meeting: str, party: str, offer: str, mics: list[str]) -> ViewerAnswer:
        """What the party's end hears; a newer one takes the place of the one before. `mics`: of its program,
        if there is none yet. Raises MediaError."""
        program = ear(meeting, party)
        if program not in self.mirror.programs:
            await self._set(program, mics)
        older = [link.name for link in self.mirror.viewers.values() if link.is_of(meeting, party)]
        name = connection_name(meeting, self._unique())
        self.mirror.viewers[name] = Link(name, meeting, party)  # before its first events
        try:
            reply = await self._node.call(
                wire.ViewerOpenCommand(viewer=name, party=party, offer=offer, program=program), patience=10.0
            )
            if not isinstance(reply, wire.ViewerReply):
                raise MediaError("The media node answered something else")
        except BaseException:
            self.mirror.viewers.pop(name, None)
            raise
        for old in older:
            await self._close("viewer", old)
        return ViewerAnswer(name, reply.answer, reply.audio_lines, reply.video_lines, (), True)

    async def open_publisher(self, meeting: str, party: str, offer: str) -> PublisherAnswer:
        """What the party speaks into; a newer one takes the place of the one before. Raises MediaError."""
        older = [link.name for link in self.mirror.publishers.values() if link.is_of(meeting, party)]
        name = connection_name(meeting, self._unique())
        self.mirror.publishers[name] = Link(name, meeting, party)
        try:
            reply = await self._node.call(
                wire.PublisherOpenCommand(publisher=name, party=party, offer=offer, codec="h264"),
                patience=10.0,
            )
            if not isinstance(reply, wire.PublisherReply):
                raise MediaError("The media node answered something else")
        except BaseException:
            self.mirror.publishers.pop(name, None)
            raise
        for old in older:
            await self._close("publisher", old)
        return PublisherAnswer(name, reply.answer)

    async def hold(self, wanted: Mapping[str, list[str]], ends: AbstractSet[tuple[str, str]]) -> None:
        """Programs with their microphones, and connections of these (meeting, party) only. Raises
        MediaError."""
        if not self._node.connected:
            return
        for program, mics in wanted.items():
            await self._set(program, mics)
        for program in [name for name in self.mirror.programs if name not in wanted]:
            await self._node.call(wire.ProgramDeleteCommand(program=program))
            self.mirror.programs.pop(program, None)
        for link in [one for one in self.mirror.viewers.values() if (one.meeting, one.party) not in ends]:
            await self._close("viewer", link.name)
        for link in [one for one in self.mirror.publishers.values() if (one.meeting, one.party) not in ends]:
            await self._close("publisher", link.name)

    async def _set(self, program: str, mics: list[str]) -> None:
        known = self.mirror.programs.get(program)
        if known == mics:
            return
        command: wire.Command = wire.MicsSetCommand(program=program, mics=mics)
        if known is None:
            command = wire.ProgramSetCommand(program=program, codec="h264", slots=[wire.Slot()], mics=mics)
        try:
            await self._node.call(command)
        except MediaError:
            self.mirror.programs.pop(program, None)  # unsure: it is set whole next
            raise
        self.mirror.programs[program] = mics

    async def _close(self, kind: Literal["viewer", "publisher"], name: str) -> None:
        """Ends a connection; fine when it is gone already."""
        with contextlib.suppress(MediaError):
            if kind == "viewer":
                self.mirror.viewers.pop(name, None)
                await self._node.call(wire.ViewerCloseCommand(viewer=name))
            else:
                self.mirror.publishers.pop(name, None)
                await self._node.call(wire.PublisherCloseCommand(publisher=name))
