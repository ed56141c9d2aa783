"""The bus of one process: order, bounds, latest wins."""

import asyncio

import pytest

from diemcau.bus import Bus, LocalBus, LocalSubscription, Message, SubscriberTooSlow


async def take(subscription: LocalSubscription, count: int) -> list[Message]:
    found: list[Message] = []
    if count:
        async for message in subscription:
            found.append(message)
            if len(found) == count:
                break
    return found


async def test_subscribers_get_their_topics_in_order() -> None:
    bus: Bus = LocalBus()
    with bus.subscribe("events:m:1") as one, bus.subscribe("events:*") as every:
        for number in range(3):
            bus.publish(f"events:m:{number % 2}", {"number": number})
        one.close()
        every.close()
        assert [message.body["number"] async for message in one] == [1]
        assert [message.body["number"] async for message in every] == [0, 1, 2]


async def test_a_subscriber_of_topic_and_prefix_gets_a_message_once() -> None:
    bus = LocalBus()
    subscription = bus.subscribe("eph:a:b", "eph:*", "eph:a:*")
    bus.publish("eph:a:b", {})
    subscription.close()
    assert len([message async for message in subscription]) == 1


async def test_waiting_wakes_for_messages_and_for_the_end() -> None:
    bus = LocalBus()
    subscription = bus.subscribe("t:1")
    waiting = asyncio.create_task(take(subscription, 2))
    await asyncio.sleep(0)
    bus.publish("t:1", {"n": 1})
    await asyncio.sleep(0)
    bus.publish("t:1", {"n": 2})
    assert [message.body["n"] for message in await waiting] == [1, 2]
    ended = asyncio.create_task(take(subscription, 1))
    await asyncio.sleep(0)
    subscription.close()
    assert await ended == []


async def test_a_slow_subscriber_is_dropped_told_and_counted() -> None:
    bus = LocalBus()
    slow, quick = bus.subscribe("t:1", limit=3), bus.subscribe("t:1", limit=10)
    for number in range(5):
        bus.publish("t:1", {"n": number})
    with pytest.raises(SubscriberTooSlow):
        await take(slow, 9)
    assert [message.body["n"] for message in await take(quick, 5)] == [0, 1, 2, 3, 4]
    assert bus.stats.dropped_subscribers == 1
    # It is off all topics and ends.
    assert [message async for message in slow] == []


async def test_latest_wins_and_keeps_its_place() -> None:
    bus = LocalBus()
    subscription = bus.subscribe("eph:1")
    bus.publish_latest("eph:1", "levels", {"n": 1})
    bus.publish("eph:1", {"n": 2})
    for number in (3, 4):
        bus.publish_latest("eph:1", "levels", {"n": number})
    assert [message.body["n"] for message in await take(subscription, 2)] == [4, 2]
    assert bus.stats.coalesced == 2
    bus.publish_latest("eph:1", "levels", {"n": 5})
    assert [message.body["n"] for message in await take(subscription, 1)] == [5]


async def test_stale_messages_make_room_before_anybody_is_dropped() -> None:
    bus = LocalBus()
    subscription = bus.subscribe("t:1", limit=3)
    bus.publish_latest("t:1", "a", {"n": "a"})
    bus.publish_latest("t:1", "b", {"n": "b"})
    bus.publish("t:1", {"n": 1})
    bus.publish_latest("t:1", "c", {"n": "c"})
    bus.publish("t:1", {"n": 2})
    bus.publish("t:1", {"n": 3})
    assert [message.body["n"] for message in await take(subscription, 3)] == [1, 2, 3]
    assert bus.stats.dropped_latest == 3
    assert bus.stats.dropped_subscribers == 0


async def test_topics_without_listeners_take_no_memory() -> None:
    bus = LocalBus()
    subscription = bus.subscribe("t:1")
    subscription.add("t:2")
    subscription.remove("t:1")
    bus.publish("t:1", {"n": 1})
    bus.publish("t:2", {"n": 2})
    assert [message.body["n"] for message in await take(subscription, 1)] == [2]
    subscription.close()
    assert not bus._topics
