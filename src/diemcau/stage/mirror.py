"""What the node holds, followed by its snapshot and events, and whose each connection is; no IO."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from diemcau.media import wire
from diemcau.meetings.layouts import PRESENTATION
from diemcau.stage.desired import program_name
from diemcau.stage.scene import Source

PRIVATE_PREFIX = "talk/"
"""Begins the names of connections beside a meeting (talkbacks): another room follows those."""

BEARER_PREFIX = "k_"
"""Begins the ids of tokens; a viewer that a token opened has that token as its party."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A line of one viewer that an operator pointed at a site."""

    site: str
    ceiling: wire.Layer


@dataclass(slots=True)
class Viewer:
    """A receive-only connection. `party`: a site's or person's id. `pointed`: line -> track the node has.
    `step`: what its line carries, and `why` no more."""

    name: str
    party: str
    meeting: str
    video_lines: int | None = None
    pins: dict[int, Pin] = field(default_factory=dict)
    pointed: dict[int, tuple[str | None, wire.Layer]] = field(default_factory=dict)
    connected: bool = False
    step: wire.Step = "high"
    why: wire.Why | None = None


@dataclass(slots=True)
class Publisher:
    """A send-only connection of a site, or of who presents (`site` is `PRESENTATION`). `order` grows with
    time. `live`: its tracks that send."""

    name: str
    site: str
    meeting: str
    order: int
    connected: bool = False
    codec: str | None = None
    tracks: set[str] = field(default_factory=set)
    live: set[str] = field(default_factory=set)

    @property
    def token(self) -> str | None:
        """The token that an encoder opened it by; None: a page did."""
        return token_of(self.name)

    @property
    def party(self) -> str:
        """Whose page has it: the site's id, or the presenter's."""
        return presenter_of(self.name) or self.site


class Mirror:
    """Viewers, publishers and programs of one node."""

    def __init__(self) -> None:
        self.viewers: dict[str, Viewer] = {}
        self.publishers: dict[str, Publisher] = {}
        self.programs: dict[str, wire.ProgramState] = {}
        self._order = 0
        self._pinning: set[str] = set()
        self._by_party: dict[str, dict[str, None]] = {}
        self._below: set[str] = set()  # viewers that do not stand at the top step

    def load(self, snapshot: wire.SnapshotEvent) -> set[str]:
        """Takes over a snapshot; pins of viewers that live on are kept. Answers every meeting concerned."""
        meetings = self.meetings()
        self.programs = {program.program: program for program in snapshot.programs}
        viewers: dict[str, Viewer] = {}
        for state in snapshot.viewers:
            meeting = meeting_of(state.viewer)
            if meeting is not None and state.party is not None:
                known = self.viewers.get(state.viewer)
                viewers[state.viewer] = known or Viewer(state.viewer, state.party, meeting)
                viewers[state.viewer].step = state.step
                viewers[state.viewer].connected = state.state != "connecting"
        self.viewers = viewers
        self._below = {viewer.name for viewer in viewers.values() if viewer.step != "high"}
        self._pinning &= viewers.keys()
        self._by_party = {}
        for viewer in viewers.values():
            self._by_party.setdefault(viewer.party, {})[viewer.name] = None
        publishers: dict[str, Publisher] = {}
        for sender in snapshot.publishers:
            meeting = meeting_of(sender.publisher)
            if meeting is None or sender.party is None:
                continue
            before = self.publishers.get(sender.publisher)
            order = before.order if before is not None else self._next()
            now = Publisher(sender.publisher, sender.party, meeting, order, sender.state != "connecting")
            for info in sender.tracks:
                now.tracks.add(info.track)
                # Sound has no layers: a publisher that is connected is taken to send it.
                if info.layers or (info.kind == "audio" and now.connected):
                    now.live.add(info.track)
                if info.kind == "video":
                    now.codec = info.codec
            publishers[now.name] = now
        self.publishers = publishers
        for state in snapshot.viewers:
            if state.viewer in viewers and state.viewer not in self._pinning:
                self._recover_pins(viewers[state.viewer], state)
        return meetings | self.meetings()

    def _recover_pins(self, viewer: Viewer, state: wire.ViewerState) -> None:
        """Control is new, the viewer is not: its pins are read off the tracks they point at."""
        for pin in state.pins or ():
            viewer.pointed[pin.line] = (pin.track, pin.ceiling)
            site = self.site_of(pin.track)
            if site is not None:
                self.pin(viewer, pin.line, Pin(site, pin.ceiling))

    def clear(self) -> None:
        """The node is another process: nothing of the old one is left."""
        self.viewers, self.publishers, self.programs = {}, {}, {}
        self._pinning.clear()
        self._by_party.clear()
        self._below.clear()

    def meetings(self) -> set[str]:
        """Every meeting that the node knows of."""
        connections: Iterable[Viewer | Publisher] = (*self.viewers.values(), *self.publishers.values())
        named = {name.removeprefix("meeting/") for name in self.programs if name.startswith("meeting/")}
        return named | {connection.meeting for connection in connections}

    def add_viewer(self, name: str, party: str, meeting: str) -> Viewer:
        """A viewer that is being opened; events may come before its answer."""
        viewer = self.viewers.setdefault(name, Viewer(name, party, meeting))
        self._by_party.setdefault(party, {})[name] = None
        return viewer

    def viewers_of(self, party: str) -> list[str]:
        """Names of the party's viewers, oldest first."""
        return list(self._by_party.get(party, ()))

    def take_quality(self, event: wire.QualityEvent) -> list[Viewer]:
        """Follows what viewers' lines carry; answers those that stand elsewhere than before."""
        changed = []
        for quality in event.viewers:
            viewer = self.viewers.get(quality.viewer)
            step = quality.step
            if viewer is None or (viewer.step == step and viewer.why == quality.why):
                continue
            viewer.step, viewer.why = step, quality.why
            (self._below.discard if step == "high" else self._below.add)(viewer.name)
            changed.append(viewer)
        return changed

    def steps(self, meeting: str) -> dict[str, wire.Step]:
        """Parties of a meeting that get less than everything: by their newest viewer."""
        below = (self.viewers[name] for name in self._below)
        return {
            viewer.party: viewer.step
            for viewer in below
            if viewer.meeting == meeting and self.viewers_of(viewer.party)[-1] == viewer.name
        }

    def publishers_of(self, party: str, *, encoders: bool | None = None) -> list[str]:
        """Names of a site's or presenter's publishers, oldest first; `encoders`: only those of encoders, or
        of pages."""
        own = [
            publisher
            for publisher in self.publishers.values()
            if publisher.party == party and encoders in (None, publisher.token is not None)
        ]
        return [publisher.name for publisher in sorted(own, key=lambda publisher: publisher.order)]

    def add_publisher(
        self, name: str, site: str, meeting: str, tracks: Iterable[wire.TrackInfo]
    ) -> Publisher:
        """A publisher that the node has just answered; events may have come before its answer."""
        publisher = self.publishers.get(name) or Publisher(name, site, meeting, self._next())
        for info in tracks:
            publisher.tracks.add(info.track)
            if info.kind == "video" and publisher.codec is None:
                publisher.codec = info.codec
        self.publishers[name] = publisher
        return publisher

    def track(self, name: str) -> Publisher | None:
        """Whose track it is."""
        return self.publishers.get(name.rsplit("/", 1)[0])

    def source(self, site: str) -> Source | None:
        """What the site sends: an encoder that sends, else its newest publisher with a live picture, else its
        newest."""
        return _source([publisher for publisher in self.publishers.values() if publisher.site == site])

    def presented(self, meeting: str) -> list[Publisher]:
        """The publishers of who presents in the meeting."""
        own = (publisher for publisher in self.publishers.values() if publisher.site == PRESENTATION)
        return [publisher for publisher in own if publisher.meeting == meeting]

    def sources(self, meeting: str) -> dict[str, Source]:
        """What the sites of a meeting send, and its presentation: that one is of this meeting alone."""
        sites = {publisher.site for publisher in self.publishers.values() if publisher.meeting == meeting}
        found = {site: self.source(site) for site in sites if site != PRESENTATION}
        found[PRESENTATION] = _source(self.presented(meeting))
        return {site: source for site, source in found.items() if source is not None}

    def encoding(self, meeting: str) -> set[str]:
        """Sites of the meeting that an encoder sends for: their pages are not asked to send beside it."""
        own = (publisher for publisher in self.publishers.values() if publisher.meeting == meeting)
        return {publisher.site for publisher in own if publisher.token is not None and publisher.live}

    def encoders(self) -> list[Publisher]:
        """Every publisher of an encoder."""
        return [publisher for publisher in self.publishers.values() if publisher.token is not None]

    def players(self) -> int:
        """How many viewers were opened by tokens."""
        by_token = (own for party, own in self._by_party.items() if party.startswith(BEARER_PREFIX))
        return sum(len(own) for own in by_token)

    def tokens(self) -> set[str]:
        """Ids of the tokens that connections were opened by."""
        found = {party for party in self._by_party if party.startswith(BEARER_PREFIX)}
        return found | {publisher.token for publisher in self.encoders() if publisher.token is not None}

    def live_tracks(self, meeting: str) -> set[str]:
        """Every track of the meeting that sends."""
        own = (publisher for publisher in self.publishers.values() if publisher.meeting == meeting)
        return {track for publisher in own for track in publisher.live}

    def shown(self, meeting: str) -> list[str | None]:
        """The site that each slot of the meeting's program carries now."""
        program = self.programs.get(program_name(meeting))
        return [] if program is None else [self.site_of(slot.track) for slot in program.slots]

    def site_of(self, track: str | None) -> str | None:
        """The site whose track it is, if its publisher is there."""
        publisher = None if track is None else self.track(track)
        return None if publisher is None else publisher.site

    def pinning(self, meeting: str) -> list[Viewer]:
        """The meeting's viewers that have lines of their own."""
        names = self._pinning & self.viewers.keys()
        return [viewer for name in sorted(names) if (viewer := self.viewers[name]).meeting == meeting]

    def pinned_by(self, meeting: str) -> dict[str, set[str]]:
        """Each pinned site, and whose viewers have it."""
        found: dict[str, set[str]] = {}
        for viewer in self.pinning(meeting):
            for pin in viewer.pins.values():
                found.setdefault(pin.site, set()).add(viewer.party)
        return found

    def pin(self, viewer: Viewer, line: int, pin: Pin | None) -> None:
        """Points a line at a site, or back."""
        if pin is None:
            viewer.pins.pop(line, None)
        else:
            viewer.pins[line] = pin
        self._pinning.add(viewer.name)

    def remove_viewer(self, name: str) -> Viewer | None:
        """The viewer is gone."""
        self._pinning.discard(name)
        self._below.discard(name)
        viewer = self.viewers.pop(name, None)
        if viewer is not None:
            own = self._by_party[viewer.party]
            del own[name]
            if not own:
                del self._by_party[viewer.party]
        return viewer

    def apply(self, event: wire.Event) -> set[str]:
        """Follows one event; answers the meetings whose picture or sound it may concern."""
        match event:
            case wire.SnapshotEvent():
                return self.load(event)
            case wire.ViewerGoneEvent():
                viewer = self.remove_viewer(event.viewer)
                return {viewer.meeting} if viewer is not None and viewer.pins else set()
            case wire.ViewerLinkEvent():
                if (linked := self.viewers.get(event.viewer)) is not None:
                    linked.connected = event.state != "connecting"
                return set()
            case wire.PublisherLinkEvent():
                publisher = self.publishers.get(event.publisher)
                if publisher is not None:
                    publisher.connected = event.state != "connecting"
                return _meeting(publisher)
            case wire.PublisherGoneEvent():
                return _meeting(self.publishers.pop(event.publisher, None))
            case wire.TrackLiveEvent():
                publisher = self.track(event.track)
                if publisher is not None:
                    publisher.tracks.add(event.track)
                    publisher.live.add(event.track)
                    if event.kind == "video" and event.codec is not None:
                        publisher.codec = event.codec
                return _meeting(publisher)
            case wire.TrackLostEvent():
                publisher = self.track(event.track)
                if publisher is not None:
                    publisher.live.discard(event.track)
                return _meeting(publisher)
            case _:
                return set()

    def _next(self) -> int:
        self._order += 1
        return self._order


def _source(own: Sequence[Publisher]) -> Source | None:
    if not own:
        return None
    best = max(
        own,
        key=lambda publisher: (
            publisher.token is not None and bool(publisher.live),
            f"{publisher.name}/video" in publisher.live,
            publisher.order,
        ),
    )
    audio, video = f"{best.name}/audio", f"{best.name}/video"
    return Source(
        audio=audio if audio in best.tracks else None,
        video=video if video in best.tracks else None,
        audio_live=audio in best.live,
        video_live=video in best.live,
        codec=best.codec,
    )


def _meeting(publisher: Publisher | None) -> set[str]:
    return set() if publisher is None else {publisher.meeting}


def connection_name(meeting: str, unique: str) -> str:
    """Name of a viewer or publisher; it holds the meeting for a control that starts anew."""
    return f"{meeting}:{unique}"


def encoder_name(meeting: str, token: str, unique: str) -> str:
    """Name of an encoder's publisher; it holds the token as well, so that revoking finds the connection."""
    return connection_name(meeting, f"{token}.{unique[:6]}")


def presenter_name(meeting: str, person: str, unique: str) -> str:
    """Name of a presenter's publisher; it holds the person, for its party at the node is `PRESENTATION`: he
    is to see what he presents as all do, and nobody is shown his own."""
    return connection_name(meeting, f"{person}.{unique[:6]}")


def presenter_of(connection: str) -> str | None:
    """The person of `presenter_name`; None: no presenter's."""
    person = _opener(connection)
    return None if person is None or person.startswith(BEARER_PREFIX) else person


def token_of(connection: str) -> str | None:
    """The token of `encoder_name`; None: no encoder's."""
    token = _opener(connection)
    return token if token is not None and token.startswith(BEARER_PREFIX) else None


def _opener(connection: str) -> str | None:
    opener, dot, _ = connection.rpartition(":")[2].partition(".")
    return opener if dot else None


def meeting_of(connection: str) -> str | None:
    """The meeting of `connection_name`; None: not ours."""
    meeting, separator, _ = connection.rpartition(":")
    return meeting if separator and not meeting.startswith(PRIVATE_PREFIX) else None
