"""Publish and subscribe inside the server, and who is present. See docs/state.md."""

from diemcau.bus.bus import EPHEMERAL, EVENTS, Bus, Message, SubscriberTooSlow, Subscription
from diemcau.bus.local import BusStats, LocalBus, LocalSubscription
from diemcau.bus.presence import Presence

__all__ = [
    "EPHEMERAL",
    "EVENTS",
    "Bus",
    "BusStats",
    "LocalBus",
    "LocalSubscription",
    "Message",
    "Presence",
    "SubscriberTooSlow",
    "Subscription",
]
