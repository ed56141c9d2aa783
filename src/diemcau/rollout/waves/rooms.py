"""What belongs to waves, put together."""

from dataclasses import dataclass

from diemcau.access import Access
from diemcau.clock import Clock
from diemcau.rollout.readiness import Readiness
from diemcau.rollout.waves.mailer import Mailer
from diemcau.rollout.waves.messages import Messages
from diemcau.rollout.waves.reminders import Reminders
from diemcau.rollout.waves.sender import Sender
from diemcau.rollout.waves.service import Waves
from diemcau.sites import Sites
from diemcau.store import Store
from diemcau.units import Units


@dataclass(frozen=True, slots=True)
class WaveRooms:
    """`sender` is started and ended by whoever serves; without it letters wait."""

    waves: Waves
    messages: Messages
    reminders: Reminders
    sender: Sender

    @staticmethod
    def make(
        store: Store,
        units: Units,
        access: Access,
        sites: Sites,
        readiness: Readiness,
        mailer: Mailer,
        clock: Clock,
    ) -> "WaveRooms":
        """Everything over these rooms."""
        waves = Waves(store, units, access, readiness, clock)
        messages = Messages(store, access, sites, readiness, waves, mailer)
        reminders = Reminders(store, access, readiness, waves, messages, clock)
        sender = Sender(store, access, sites, readiness, waves, reminders, mailer, clock)
        messages.begun = sender.wake
        return WaveRooms(waves, messages, reminders, sender)
