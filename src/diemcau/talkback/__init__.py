"""A private word between a director and a site's technician, beside the meeting. See docs/talkback.md."""

from diemcau.talkback.commands import TALK_PREFIX, TALK_TYPES, parse_talk
from diemcau.talkback.errors import MicOpen, NobodyTalks, TalkNotFound
from diemcau.talkback.service import TALKS, Talkback
from diemcau.talkback.talk import Talk

__all__ = [
    "TALKS",
    "TALK_PREFIX",
    "TALK_TYPES",
    "MicOpen",
    "NobodyTalks",
    "Talk",
    "TalkNotFound",
    "Talkback",
    "parse_talk",
]
