"""Microphones: who may open his own, and who may shut whose."""

from diemcau.errors import Forbidden, JsonObject, WrongState
from diemcau.meetings.commands import Mute, SetMic, Unmute
from diemcau.meetings.context import Context, Draft, must_be_open
from diemcau.meetings.errors import NotSpeaking, QueueChanged
from diemcau.meetings.meeting import Meeting
from diemcau.meetings.ordering import AnswerAsked, AskUnmute, UndoMute


def set_mic(meeting: Meeting, command: SetMic, context: Context) -> list[Draft]:
    """A speaker, or the chair's site at any time. Who was muted cannot open again by himself."""
    must_be_open(meeting)
    site = context.own_site()
    if site != meeting.chair_site and site not in meeting.speakers:
        raise NotSpeaking(None, site=site)
    mic = meeting.mic_of(site)
    if mic == "muted":
        if command.on:
            raise Forbidden("The microphone was muted by the command centre.", site=site)
        return []
    if (mic == "open") == command.on:
        return []
    return [("mic_set", {"site": site, "on": command.on, "names": context.named([site])})]


def mute(meeting: Meeting, command: Mute, context: Context) -> list[Draft]:
    """Shuts open microphones: one site's, a subtree's, or all. Only naming the chair's site shuts that
    one."""
    must_be_open(meeting)
    sites = [site for site in meeting.open_mics() if _meant(meeting, command, site, context)]
    if command.site is not None and not sites and command.site not in (*meeting.speakers, meeting.chair_site):
        raise NotSpeaking(None, site=command.site)
    if not sites:
        return []
    data: JsonObject = {"sites": sites}
    if command.site is None:
        data = {**data, "many": True, "unit": command.unit, "by": context.actor.name}
    if meeting.chair_site in sites:
        # Nobody silences the chair without a word: its page and the desk say who did.
        data = {**data, "chair_by": {"name": context.actor.name, "title": context.actor.title}}
    return [("muted", data)]


def undo_mute(meeting: Meeting, command: UndoMute, context: Context) -> list[Draft]:
    """Opens again what the last mute of many shut and nobody has touched since. An older one than the last:
    QueueChanged."""
    must_be_open(meeting)
    last = meeting.order.last_mute
    if last is None or last.n != command.n:
        raise QueueChanged("Another mute came after this one.", n=None if last is None else last.n)
    return [("unmuted", {"site": site}) for site in last.sites if meeting.mic_of(site) == "muted"]


def ask_unmute(meeting: Meeting, command: AskUnmute, context: Context) -> list[Draft]:
    """Asks a speaker whose microphone is off, or who cannot be heard, to turn it on: nobody opens from afar
    what a site shut itself. Asked already and not answered: nothing more."""
    must_be_open(meeting)
    speaker = meeting.speakers.get(command.site)
    if speaker is None:
        raise NotSpeaking(None, site=command.site)
    if meeting.mic_of(command.site) == "muted":
        raise WrongState("The microphone was muted by the command centre.", site=command.site)
    if speaker.asked is not None and speaker.asked.answer is None:
        return []
    return [("unmute_asked", {"site": command.site})]


def answer_asked(meeting: Meeting, command: AnswerAsked, context: Context) -> list[Draft]:
    """The site turns its microphone on, or says that it does not."""
    must_be_open(meeting)
    site = context.own_site()
    speaker = meeting.speakers.get(site)
    if speaker is None:
        raise NotSpeaking(None, site=site)
    mic = meeting.mic_of(site)
    drafts: list[Draft] = []
    if speaker.asked is not None and speaker.asked.answer != ("yes" if command.yes else "no"):
        drafts.append(("unmute_answered", {"site": site, "yes": command.yes}))
    if command.yes and mic == "off":
        drafts.append(("mic_set", {"site": site, "on": True, "names": context.named([site])}))
    return drafts


def unmute(meeting: Meeting, command: Unmute, context: Context) -> list[Draft]:
    """Lifts a mute. What a site shut itself nobody opens from afar."""
    must_be_open(meeting)
    if command.site not in meeting.speakers:
        raise NotSpeaking(None, site=command.site)
    match meeting.mic_of(command.site):
        case "muted":
            return [("unmuted", {"site": command.site})]
        case "open":
            return []
        case _:
            raise WrongState("The site has turned its microphone off itself.", site=command.site)


def _meant(meeting: Meeting, command: Mute, site: str, context: Context) -> bool:
    if command.site is not None:
        return site == command.site
    if site == meeting.chair_site:
        return False
    return command.all or (
        command.unit is not None and context.inside(command.unit, meeting.names[site].unit)
    )
