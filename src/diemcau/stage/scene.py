"""What a meeting wants on its stage, as plain values."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal, TypeAlias

from diemcau.meetings.meeting import Meeting
from diemcau.meetings.speakers import in_line
from diemcau.meetings.staging import Presentation

Mic: TypeAlias = Literal["open", "off", "muted"]
SiteState: TypeAlias = Literal["standby", "in_meeting", "invited_to_speak", "speaking", "on_air"]


@dataclass(frozen=True, slots=True)
class Scene:
    """The part of a meeting's state that decides what is seen and heard. `speakers`: site -> microphone."""

    meeting: str
    codec: Literal["h264", "vp8"]
    is_open: bool
    on_air: tuple[str | None, ...]
    preview: tuple[str | None, ...]
    before: tuple[str | None, ...]
    speakers: tuple[tuple[str, Mic], ...]
    chair_site: str | None
    chair_mic: Literal["open", "off"]
    line_up: tuple[str, ...] = ()
    held: bool = False
    """The holding picture is on: pages draw it, and the node sends no picture."""
    presentation: Presentation | None = None

    @staticmethod
    def of(meeting: Meeting, present: AbstractSet[str]) -> "Scene":
        """The scene of a meeting's committed state; `present`: the sites that are in it now."""
        return Scene(
            meeting=meeting.id,
            codec=meeting.codec,
            is_open=meeting.status == "open",
            on_air=tuple(meeting.on_air),
            preview=tuple(meeting.preview),
            before=tuple(meeting.before),
            speakers=tuple((site, speaker.mic) for site, speaker in meeting.speakers.items()),
            chair_site=meeting.chair_site,
            chair_mic=meeting.chair_mic,
            line_up=in_line(meeting, present),
            held=meeting.staging.hold is not None,
            presentation=meeting.staging.presentation,
        )

    def presents(self, person: str | None) -> bool:
        """Whether it is this person who presents."""
        return self.is_open and self.presentation is not None and self.presentation.by == person

    def mic_of(self, site: str) -> Mic:
        """The site's microphone: `open` when the meeting is to hear it."""
        if site == self.chair_site and site not in dict(self.speakers):
            return self.chair_mic
        return dict(self.speakers).get(site, "off")


@dataclass(frozen=True, slots=True)
class Machine:
    """What a machine adds to a meeting: tracks that it shows where the stage is empty and plays to all, and
    sites that it asks to send picture and sound, to be looked at by nobody but itself."""

    video: str | None = None
    audio: str | None = None
    called: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Source:
    """What one site sends, as the node has it: names of its tracks, and whether packets of them come.

    `codec` None: not known yet.
    """

    audio: str | None = None
    video: str | None = None
    audio_live: bool = False
    video_live: bool = False
    codec: str | None = None

    def shows(self, codec: str) -> bool:
        """Whether a program of this codec can show its picture now."""
        return self.video is not None and self.video_live and self.codec in (None, codec)


@dataclass(frozen=True, slots=True)
class Publish:
    """What a site is asked to send."""

    audio: bool
    video: bool


@dataclass(frozen=True, slots=True)
class Part:
    """A site's part in the meeting's picture and sound (the stage's share of `You` in docs/protocol.md).
    `seen_by`: people who have its picture on a line of their own. `checked`: it is lined up, and only
    the machine looks at what it sends."""

    publish: Publish | None = None
    state: SiteState = "in_meeting"
    mic: Mic = "off"
    seen_by: tuple[str, ...] = ()
    checked: bool = False
