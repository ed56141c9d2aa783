"""`LocalBus`: the bus of a single process. One thread, the event loop's."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

from diemcau.bus.bus import Message, SubscriberTooSlow
from diemcau.errors import JsonObject


@dataclass(slots=True)
class BusStats:
    """Counters, for metrics. `dropped_subscribers`: too slow; `dropped_latest`: stale messages given up."""

    published: int = 0
    delivered: int = 0
    coalesced: int = 0
    dropped_latest: int = 0
    dropped_subscribers: int = 0


class LocalSubscription:
    """A bounded queue. Latest-wins messages wait in it under their key, all others each by itself."""

    def __init__(self, bus: "LocalBus", limit: int) -> None:
        self._bus = bus
        self._limit = limit
        self._queue: OrderedDict[tuple[str, str] | int, Message] = OrderedDict()
        self._counter = 0
        self._stale = 0
        self._wake = asyncio.Event()
        self._closed = False
        self._lagged = False
        self.topics: set[str] = set()

    def add(self, topic: str) -> None:
        """Listens to a further topic."""
        if not self._closed and topic not in self.topics:
            self.topics.add(topic)
            self._bus.listeners(topic).add(self)

    def remove(self, topic: str) -> None:
        """Listens to it no longer; what is queued of it still comes."""
        self.topics.discard(topic)
        self._bus.forget(topic, self)

    def close(self) -> None:
        """Ends the iteration after what is queued; may be called twice."""
        for topic in tuple(self.topics):
            self.remove(topic)
        self._closed = True
        self._wake.set()

    def __enter__(self) -> "LocalSubscription":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    async def __aiter__(self) -> AsyncIterator[Message]:
        """Messages until `close`; raises SubscriberTooSlow once when dropped."""
        while True:
            while self._queue:
                key, message = self._queue.popitem(last=False)
                if isinstance(key, tuple):
                    self._stale -= 1
                yield message
            if self._lagged:
                self._lagged = False
                raise SubscriberTooSlow
            if self._closed:
                return
            self._wake.clear()
            await self._wake.wait()

    def put(self, message: Message) -> None:
        """Queues a message that must not be lost: stale ones make room, else the subscriber is dropped."""
        if self._closed:
            return
        if len(self._queue) >= self._limit and not self._drop_stale():
            self._queue.clear()
            self._lagged = True
            self._bus.stats.dropped_subscribers += 1
            self.close()
            return
        self._counter += 1
        self._put(self._counter, message)

    def put_latest(self, key: str, message: Message) -> None:
        """Queues what replaces the message that waits under the same key; given up when the queue is full."""
        if self._closed:
            return
        place = (message.topic, key)
        if place in self._queue:
            self._queue[place] = message
            self._bus.stats.coalesced += 1
        elif len(self._queue) >= self._limit:
            self._bus.stats.dropped_latest += 1
        else:
            self._stale += 1
            self._put(place, message)

    def _put(self, place: tuple[str, str] | int, message: Message) -> None:
        self._queue[place] = message
        self._bus.stats.delivered += 1
        self._wake.set()

    def _drop_stale(self) -> bool:
        if not self._stale:
            return False
        oldest = next(place for place in self._queue if isinstance(place, tuple))
        del self._queue[oldest]
        self._stale -= 1
        self._bus.stats.dropped_latest += 1
        return True


class LocalBus:
    """Publish and subscribe inside one process, synchronously: order is the order of publishing."""

    def __init__(self) -> None:
        self.stats = BusStats()
        self._topics: dict[str, set[LocalSubscription]] = {}

    def publish(self, topic: str, body: JsonObject) -> None:
        """Hands the message to every subscriber of the topic."""
        self.stats.published += 1
        message = Message(topic, body)
        for subscription in self._subscribers(topic):
            subscription.put(message)

    def publish_latest(self, topic: str, key: str, body: JsonObject) -> None:
        """The same, latest wins under (topic, key)."""
        self.stats.published += 1
        message = Message(topic, body)
        for subscription in self._subscribers(topic):
            subscription.put_latest(key, message)

    def subscribe(self, *topics: str, limit: int = 1000) -> LocalSubscription:
        """A subscription whose queue holds `limit` messages."""
        subscription = LocalSubscription(self, limit)
        for topic in topics:
            subscription.add(topic)
        return subscription

    def _subscribers(self, topic: str) -> Iterable[LocalSubscription]:
        found = set(self._topics.get(topic, ()))
        # Every prefix that ends in the topic's own separator may have its "*" subscribers.
        for end, letter in enumerate(topic, start=1):
            if letter == ":":
                found |= self._topics.get(f"{topic[:end]}*", set())
        return found

    # for subscriptions
    def listeners(self, topic: str) -> set[LocalSubscription]:
        """The set that hears a topic."""
        return self._topics.setdefault(topic, set())

    def forget(self, topic: str, subscription: LocalSubscription) -> None:
        """Takes a subscription off a topic, and the topic off the table when nobody is left."""
        if (listeners := self._topics.get(topic)) is not None:
            listeners.discard(subscription)
            if not listeners:
                del self._topics[topic]
