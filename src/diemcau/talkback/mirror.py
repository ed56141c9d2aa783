"""The connections and programs of talkbacks at the node, by its snapshot and events; no IO."""

from dataclasses import dataclass, field

from diemcau.media import wire
from diemcau.talkback.talk import PREFIX


@dataclass(slots=True)
class Link:
    """A viewer or publisher of one end of talkbacks: a site's or person's id, and the meeting."""

    name: str
    meeting: str
    party: str
    connected: bool = False
    live: bool = False

    def is_of(self, meeting: str, party: str) -> bool:
        """Whether it is this end's."""
        return (self.meeting, self.party) == (meeting, party)


@dataclass(slots=True)
class Mirror:
    """Newest last. `programs`: name -> microphones."""

    viewers: dict[str, Link] = field(default_factory=dict)
    publishers: dict[str, Link] = field(default_factory=dict)
    programs: dict[str, list[str]] = field(default_factory=dict)

    def load(self, snapshot: wire.SnapshotEvent) -> None:
        """Takes over what the node holds."""
        self.viewers = {
            one.viewer: Link(one.viewer, meeting, one.party, one.state != "connecting")
            for one in snapshot.viewers
            if one.party is not None and (meeting := meeting_of(one.viewer)) is not None
        }
        self.publishers = {
            one.publisher: Link(
                one.publisher, meeting, one.party, one.state != "connecting", one.state != "connecting"
            )
            for one in snapshot.publishers
            if one.party is not None and (meeting := meeting_of(one.publisher)) is not None
        }
        self.programs = {
            one.program: list(one.mics) for one in snapshot.programs if one.program.startswith(PREFIX)
        }

    def apply(self, event: wire.Event) -> Link | None:
        """Follows one event; answers the connection that it concerns, one that has ended included."""
        match event:
            case wire.ViewerLinkEvent():
                return _linked(self.viewers.get(event.viewer), event.state)
            case wire.PublisherLinkEvent():
                return _linked(self.publishers.get(event.publisher), event.state)
            case wire.ViewerGoneEvent():
                return self.viewers.pop(event.viewer, None)
            case wire.PublisherGoneEvent():
                return self.publishers.pop(event.publisher, None)
            case wire.TrackLiveEvent() | wire.TrackLostEvent():
                link = self.publishers.get(event.track.rsplit("/", 1)[0])
                if link is not None:
                    link.live = isinstance(event, wire.TrackLiveEvent)
                return link
            case _:
                return None

    def voices(self) -> dict[tuple[str, str], str]:
        """What each person speaks into: the track of his newest publisher."""
        return {(link.meeting, link.party): f"{link.name}/audio" for link in self.publishers.values()}

    def hears(self, meeting: str, party: str) -> bool:
        """Whether a viewer of his is connected."""
        return any(link.connected and link.is_of(meeting, party) for link in self.viewers.values())

    def sends(self, meeting: str, party: str) -> bool:
        """Whether sound of his comes."""
        return any(link.live and link.is_of(meeting, party) for link in self.publishers.values())

    def has_publisher(self, meeting: str, party: str) -> bool:
        """Whether he has one, connected or about to be."""
        return any(link.is_of(meeting, party) for link in self.publishers.values())

    def of(self, party: str) -> tuple[list[str], list[str]]:
        """Names of the party's viewers and publishers."""
        return (
            [link.name for link in self.viewers.values() if link.party == party],
            [link.name for link in self.publishers.values() if link.party == party],
        )


def connection_name(meeting: str, unique: str) -> str:
    """Name of a viewer or publisher; it holds the meeting for a control that starts anew."""
    return f"{PREFIX}{meeting}:{unique}"


def meeting_of(connection: str) -> str | None:
    """The meeting of `connection_name`; None: no talkback's."""
    if not connection.startswith(PREFIX):
        return None
    meeting, separator, _ = connection.removeprefix(PREFIX).rpartition(":")
    return meeting if separator else None


def _linked(link: Link | None, state: wire.LinkState) -> Link | None:
    if link is not None:
        link.connected = state != "connecting"
    return link
