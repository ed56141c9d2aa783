"""Publish and subscribe inside the server, and who is present. See docs/state.md."""

from diemcau.bus.bus import EPHEMERAL, EVENTS, Bus, Message, SubscriberTooSlow, Subscription

__all__ = ["EPHEMERAL", "EVENTS", "Bus", "Message", "SubscriberTooSlow", "Subscription"]
