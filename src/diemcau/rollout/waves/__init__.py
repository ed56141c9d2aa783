"""Waves: which sites come in on which day, what they are told, and who is reminded. See
docs/rollout-waves.md."""

from diemcau.rollout.waves.audience import NOT_CONNECTED, Audience
from diemcau.rollout.waves.letter import Words
from diemcau.rollout.waves.mailer import Mailer, MailerDown, NoMailer, SmtpMailer, SmtpOptions
from diemcau.rollout.waves.messages import Messages
from diemcau.rollout.waves.planning import Wish
from diemcau.rollout.waves.reminders import Reminder, Reminders
from diemcau.rollout.waves.rooms import WaveRooms
from diemcau.rollout.waves.sender import Sender
from diemcau.rollout.waves.sending import Message, Sending
from diemcau.rollout.waves.service import Plan, Shown, Waves
from diemcau.rollout.waves.wave import Wave, WaveNotFound, clock_of, day_of

__all__ = [
    "NOT_CONNECTED",
    "Audience",
    "Mailer",
    "MailerDown",
    "Message",
    "Messages",
    "NoMailer",
    "Plan",
    "Reminder",
    "Reminders",
    "Sender",
    "Sending",
    "Shown",
    "SmtpMailer",
    "SmtpOptions",
    "Wave",
    "WaveNotFound",
    "WaveRooms",
    "Waves",
    "Wish",
    "Words",
    "clock_of",
    "day_of",
]
