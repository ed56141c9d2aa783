"""`Stage`: the door to viewers, publishers and pins of a meeting."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from diemcau.bus import Bus
from diemcau.clock import Clock, SystemClock
from diemcau.errors import Busy, JsonObject
from diemcau.media import MediaError, MediaNode, NoCommonCodec, wire
from diemcau.meetings import PRESENTATION, MeetingNotOpen, Meetings
from diemcau.stage import desired
from diemcau.stage.errors import NotAskedToPublish, PublisherNotFound, TooManyPins, ViewerNotFound
from diemcau.stage.keeper import Keeper
from diemcau.stage.mirror import Pin, Viewer, connection_name, encoder_name, presenter_name
from diemcau.stage.scene import Machine, Part, Source
from diemcau.stage.watched import StageCounters, Watched

VIEWERS_PER_PARTY = 8
"""Viewers one site or person may hold; the oldest is closed for a further one."""

PUBLISHERS_PER_SITE = 2
"""Publishers one site may hold: the old one until the new one's picture is there; older ones are closed."""

PINS_PER_VIEWER = 64


@dataclass(frozen=True, slots=True)
class ViewerAnswer:
    """An opened viewer. `codecs`: what it negotiated; `can_show`: the meeting's codec is among them."""

    viewer: str
    answer: str
    audio_lines: int
    video_lines: int
    codecs: tuple[str, ...]
    can_show: bool


@dataclass(frozen=True, slots=True)
class PublisherAnswer:
    """An opened publisher."""

    publisher: str
    answer: str


class Stage:
    """What pages ask of the stage. `start` before the media client runs; `aclose` ends its tasks."""

    def __init__(
        self,
        node: MediaNode,
        meetings: Meetings,
        bus: Bus,
        *,
        clock: Clock | None = None,
        unique: Callable[[], str] | None = None,
    ) -> None:
        self._node = node
        self._keeper = Keeper(node, meetings, bus, clock or SystemClock())
        self._mirror = self._keeper.mirror
        self._unique = unique or (lambda: secrets.token_urlsafe(12))

    @property
    def counters(self) -> StageCounters:
        """Since start."""
        return self._keeper.counters

    async def start(self) -> None:
        """Takes up the open meetings and follows the bus."""
        await self._keeper.start()

    async def aclose(self) -> None:
        """Ends the tasks; the node is left as it is."""
        await self._keeper.aclose()

    def part(self, meeting: str, site: str) -> Part:
        """The site's part in the meeting now."""
        return self._keeper.part(meeting, site)

    def is_asked(self, site: str) -> bool:
        """Whether an open meeting has a part for the site: chair's, on stage, lined up, with the floor."""
        return any(
            site == watched.scene.chair_site or site in watched.parts
            for watched in self._keeper.watched.values()
        )

    def is_live(self, meeting: str, site: str) -> bool:
        """Whether the site's picture reaches the node."""
        watched = self._keeper.watched.get(meeting)
        return watched is not None and site in watched.live

    def warm(self, meeting: str, site: str, on: bool) -> None:
        """Has a site send before it is shown to anybody, or no longer."""
        watched = self._keeper.watched.get(meeting)
        if watched is not None:
            (watched.warm.add if on else watched.warm.discard)(site)
            self._keeper.look_at(meeting)

    def talk(self, meeting: str, site: str, on: bool) -> None:
        """Has a site send its sound for a private word, or no longer; the meeting does not hear it."""
        watched = self._keeper.watched.get(meeting)
        if watched is not None:
            (watched.talked.add if on else watched.talked.discard)(site)
            self._keeper.look_at(meeting)

    @property
    def has_open_meeting(self) -> bool:
        """Whether any meeting is open."""
        return any(watched.scene.is_open for watched in self._keeper.watched.values())

    def has_other_meeting(self, meeting: str) -> bool:
        """Whether any meeting but this one is open."""
        return any(watched.scene.is_open and one != meeting for one, watched in self._keeper.watched.items())

    def set_machine(self, meeting: str, machine: Machine | None) -> None:
        """What a machine shows, plays and asks for in the meeting from now on; None: it has gone."""
        if machine is None:
            self._keeper.machines.pop(meeting, None)
        else:
            self._keeper.machines[meeting] = machine
        self._keeper.look_at(meeting)

    def watches(self, meeting: str, site: str) -> bool:
        """Whether a viewer of the site stands at the node and shows this meeting."""
        viewers = (self._mirror.viewers[name] for name in self._mirror.viewers_of(site))
        return any(viewer.connected and viewer.meeting == meeting for viewer in viewers)

    def sends(self, site: str) -> Source:
        """What the site sends now."""
        return self._mirror.source(site) or Source()

    def ephemera(self, meeting: str) -> list[tuple[str, JsonObject]]:
        """What a client that subscribes now has missed: (topic, data)."""
        watched = self._keeper.watched.get(meeting)
        if watched is None:
            return []
        return [
            ("stage", {"live": list(watched.live), "shown": []}),
            ("speaking", {"sites": list(watched.speaking)}),
            ("lineup", watched.checks.to_json()),
            ("quality", {"steps": dict(watched.steps), "full": True}),
        ]

    def shows(self, meeting: str, site: str) -> bool:
        """Whether the site is on the meeting's stage: decided, or still carried by a slot."""
        watched = self._keeper.watched.get(meeting)
        return watched is not None and (site in watched.scene.on_air or site in self._mirror.shown(meeting))

    def lines(self, party: str) -> dict[str, JsonObject]:
        """The party's viewers that get less than everything: `{viewer: {"step", "why"}}`."""
        viewers = (self._mirror.viewers[name] for name in self._mirror.viewers_of(party))
        return {
            viewer.name: {"step": viewer.step, "why": viewer.why}
            for viewer in viewers
            if viewer.step != "high"
        }

    def standing(self, party: str) -> tuple[list[str], list[str]] | None:
        """The party's viewers and publishers that exist; None before the node was first heard."""
        if not self._keeper.heard:
            return None
        return self._mirror.viewers_of(party), self._mirror.publishers_of(party, encoders=False)

    async def open_viewer(
        self, meeting: str, party: str, offer: str, *, replaces: str | None = None, most: int | None = None
    ) -> ViewerAnswer:
        """Opens a viewer of the meeting's stage for a site, a person, or who holds a token.

        `most`: refuse beyond so many of the party (who shares a token must not put others out); without it
        the oldest of the party goes for the newest.

        Raises:
            MeetingNotOpen: not open (any more).
            MediaError: no node, a bad offer, no common codec.
            Busy: the party has `most` viewers.
        """
        watched = await self._open_meeting(meeting)
        if most is not None and len(self._mirror.viewers_of(party)) >= most:
            raise Busy(f"At most {most} watch by one token", limit=most)
        program = desired.program_name(meeting)
        if program not in self._mirror.programs:
            await self._keeper.mend(meeting)
        name = connection_name(meeting, self._unique())
        self._mirror.add_viewer(name, party, meeting)
        try:
            reply = await self._node.call(
                wire.ViewerOpenCommand(viewer=name, party=party, offer=offer, program=program), patience=10.0
            )
        except BaseException:
            self._mirror.remove_viewer(name)
            raise
        if not isinstance(reply, wire.ViewerReply):
            self._mirror.remove_viewer(name)
            raise MediaError("The media node answered something else")
        viewer = self._mirror.add_viewer(name, party, meeting)
        viewer.video_lines = reply.video_lines
        self.counters.viewers_opened += 1
        if most is None:
            await self._close_spare(name, party, replaces)
        codecs = tuple(reply.codecs)
        return ViewerAnswer(
            name,
            reply.answer,
            reply.audio_lines,
            reply.video_lines,
            codecs,
            watched.scene.codec in codecs,
        )

    async def _close_spare(self, name: str, party: str, replaces: str | None) -> None:
        """The viewer that the new one replaces, and the oldest ones beyond what a party may hold."""
        others = [other for other in self._mirror.viewers_of(party) if other != name]
        keep = [other for other in others if other != replaces][-(VIEWERS_PER_PARTY - 1) :]
        for other in others:
            if other not in keep:
                await self._keeper.close_viewer(other)

    async def close_viewer(self, viewer: str, party: str) -> None:
        """Ends the party's own viewer. Raises ViewerNotFound."""
        self._own_viewer(viewer, party)
        await self._keeper.close_viewer(viewer)

    async def close_party(self, party: str) -> None:
        """Ends every viewer and publisher of a site or person whose access has ended. A site's encoder stays:
        its access is its token."""
        for viewer in self._mirror.viewers_of(party):
            await self._keeper.close_viewer(viewer)
        for publisher in self._mirror.publishers_of(party, encoders=False):
            await self._keeper.close_publisher(publisher)

    def parties(self, meeting: str) -> set[str]:
        """Who sees or sends something of the meeting: sites, people, tokens."""
        viewers = {one.party for one in self._mirror.viewers.values() if one.meeting == meeting}
        return viewers | {one.site for one in self._mirror.publishers.values() if one.meeting == meeting}

    async def close_party_in(self, meeting: str, party: str) -> None:
        """Ends everything that the party sees and sends in the meeting, a site's encoder too."""
        for viewer in list(self._mirror.viewers.values()):
            if viewer.party == party and viewer.meeting == meeting:
                await self._keeper.close_viewer(viewer.name)
        for publisher in list(self._mirror.publishers.values()):
            if publisher.site == party and publisher.meeting == meeting:
                await self._keeper.close_publisher(publisher.name)

    def meeting_of_viewer(self, viewer: str, party: str) -> str:
        """The meeting that the party's own viewer shows. Raises ViewerNotFound."""
        return self._own_viewer(viewer, party).meeting

    async def pin(
        self, viewer: str, party: str, line: int, site: str | None, ceiling: wire.Layer = "low"
    ) -> None:
        """Points a line of the party's own viewer at a site, or back to the stage (`site` None).

        The site is asked to publish while it is pinned; the picture comes when it does.

        Raises:
            ViewerNotFound: not a viewer of this party (any more).
            TooManyPins: the viewer has no such line.
        """
        own = self._own_viewer(viewer, party)
        lines = own.video_lines
        if line < 0 or line >= (PINS_PER_VIEWER if lines is None else lines):
            raise TooManyPins("The viewer has no such line", line=line)
        self._mirror.pin(own, line, None if site is None else Pin(site, ceiling))
        await self._keeper.mend(own.meeting)

    async def open_publisher(self, meeting: str, site: str, offer: str) -> PublisherAnswer:
        """Opens the site's publisher while it is asked to send.

        Raises:
            MeetingNotOpen: not open (any more).
            NotAskedToPublish: nobody asked for it.
            MediaError: no node, a bad offer, no common codec.
        """
        watched = await self._open_meeting(meeting)
        if self.part(meeting, site).publish is None:
            raise NotAskedToPublish(None, site=site)
        name = connection_name(meeting, self._unique())
        answer, _ = await self._open_publisher(name, meeting, site, offer, watched.scene.codec)
        for older in self._mirror.publishers_of(site, encoders=False)[:-PUBLISHERS_PER_SITE]:
            await self._keeper.close_publisher(older)
        self._keeper.look_at(meeting)
        return PublisherAnswer(name, answer)

    async def open_presentation(self, meeting: str, person: str, offer: str) -> PublisherAnswer:
        """Opens the publisher of who presents in the meeting.

        Raises:
            MeetingNotOpen: not open (any more).
            NotAskedToPublish: it is not he who presents.
            MediaError: no node, a bad offer, no common codec.
        """
        watched = await self._open_meeting(meeting)
        await self._keeper.reload(meeting)  # the page asks right after its command
        if not watched.scene.presents(person):
            raise NotAskedToPublish("You do not present in this meeting.", meeting=meeting)
        name = presenter_name(meeting, person, self._unique())
        answer, _ = await self._open_publisher(name, meeting, PRESENTATION, offer, watched.scene.codec)
        mine = [one for one in self._mirror.presented(meeting) if one.party == person]
        for older in sorted(mine, key=lambda one: one.order)[:-PUBLISHERS_PER_SITE]:
            await self._keeper.close_publisher(older.name)
        self._keeper.look_at(meeting)
        return PublisherAnswer(name, answer)

    async def open_encoder(self, meeting: str, site: str, token: str, offer: str) -> PublisherAnswer:
        """Opens a publisher that sends all the time, and puts its site into the meeting for as long.

        Raises:
            MeetingNotOpen: not open (any more).
            MeetingNotFound: the site is not invited.
            MediaError: no node, a bad offer, no picture of the meeting's codec.
        """
        watched = await self._open_meeting(meeting)
        name = encoder_name(meeting, token, self._unique())
        self._keeper.encoders.opening.add(name)
        try:
            answer, tracks = await self._open_publisher(name, meeting, site, offer, watched.scene.codec)
            try:
                if any(track.codec not in (None, watched.scene.codec) for track in tracks):
                    # It would be in the meeting and never be shown.
                    raise NoCommonCodec(f"This meeting's pictures are {watched.scene.codec}")
                await self._keeper.encoders.enter(name, meeting, site)
            except BaseException:
                await self._keeper.close_publisher(name)
                raise
        finally:
            self._keeper.encoders.opening.discard(name)
        for older in self._mirror.publishers_of(site, encoders=True)[:-PUBLISHERS_PER_SITE]:
            await self._keeper.close_publisher(older)
        self._keeper.encoders.follow()
        self._keeper.look_at(meeting)
        return PublisherAnswer(name, answer)

    async def close_encoder(self, publisher: str, token: str) -> None:
        """Ends the token's own encoder; its site leaves. Raises PublisherNotFound."""
        known = self._mirror.publishers.get(publisher)
        if known is None or known.token != token:
            raise PublisherNotFound
        await self._keeper.close_publisher(publisher)
        await self._keeper.encoders.leave(publisher, known.meeting, known.site)

    async def close_token(self, token: str) -> None:
        """Ends everything that was opened by a token."""
        for viewer in self._mirror.viewers_of(token):
            await self._keeper.close_viewer(viewer)
        for publisher in self._mirror.encoders():
            if publisher.token == token:
                await self.close_encoder(publisher.name, token)

    def tokens(self) -> set[str]:
        """Ids of the tokens that something was opened by and stands."""
        return self._mirror.tokens()

    def players(self) -> int:
        """How many viewers were opened by tokens."""
        return self._mirror.players()

    def encoders(self) -> int:
        """How many publishers were opened by tokens."""
        return len(self._mirror.encoders())

    def holds(self, connection: str, token: str) -> bool:
        """Whether the viewer or publisher stands and was opened by the token."""
        viewer, publisher = self._mirror.viewers.get(connection), self._mirror.publishers.get(connection)
        return (viewer is not None and viewer.party == token) or (
            publisher is not None and publisher.token == token
        )

    async def _open_publisher(
        self, name: str, meeting: str, site: str, offer: str, codec: wire.VideoCodec
    ) -> tuple[str, Sequence[wire.TrackInfo]]:
        """The node's answer and the tracks. Raises MediaError."""
        self._mirror.add_publisher(name, site, meeting, ())  # before its first events, which may come first
        try:
            reply = await self._node.call(
                wire.PublisherOpenCommand(publisher=name, party=site, offer=offer, codec=codec),
                patience=10.0,
            )
        except BaseException:
            self._mirror.publishers.pop(name, None)
            raise
        if not isinstance(reply, wire.PublisherReply):
            self._mirror.publishers.pop(name, None)
            raise MediaError("The media node answered something else")
        self._mirror.add_publisher(name, site, meeting, reply.tracks)
        self.counters.publishers_opened += 1
        return reply.answer, reply.tracks

    async def close_publisher(self, publisher: str, party: str) -> None:
        """Ends the site's or presenter's own publisher. Raises PublisherNotFound."""
        known = self._mirror.publishers.get(publisher)
        if known is None or known.party != party or known.token is not None:
            raise PublisherNotFound
        await self._keeper.close_publisher(publisher)

    async def stats(self) -> wire.StatsReply:
        """The node's counters. Raises MediaError."""
        reply = await self._node.call(wire.StatsCommand(), patience=2.0)
        if not isinstance(reply, wire.StatsReply):
            raise MediaError("The media node answered something else")
        return reply

    async def _open_meeting(self, meeting: str) -> Watched:
        if meeting not in self._keeper.watched:
            await self._keeper.reload(meeting)
        watched = self._keeper.watched.get(meeting)
        if watched is None or not watched.scene.is_open:
            raise MeetingNotOpen
        return watched

    def _own_viewer(self, viewer: str, party: str) -> Viewer:
        known = self._mirror.viewers.get(viewer)
        if known is None or known.party != party:
            raise ViewerNotFound
        return known
