"""Who asks for the floor, who comes next, what is on the agenda: the part of a meeting's state that the floor
is run by. Values only; `Meeting` holds them, the rules of `queue.py`, `speakers.py`, `agenda.py` change them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from diemcau.clock import parse_rfc3339, rfc3339
from diemcau.errors import JsonObject, JsonValue


@dataclass(frozen=True, slots=True)
class Forwarded:
    """A hand that its province has sent up: when, with what note, by whom (a person's name)."""

    at: datetime
    note: str = ""
    by: str = ""

    def to_json(self) -> JsonObject:
        """`{"at", "note", "by"}`."""
        return {"at": rfc3339(self.at), "note": self.note, "by": self.by}


@dataclass(frozen=True, slots=True)
class Hand:
    """A raised hand. `rank` orders its queue, lowest first. `branch`: the unit right below the scope whose
    operators forward it; None: it went straight to the centre."""

    at: datetime
    rank: float
    branch: str | None = None
    forwarded: Forwarded | None = None

    def to_json(self, site: str) -> JsonObject:
        """As `MeetingState` has it."""
        sent = None if self.forwarded is None else self.forwarded.to_json()
        return {
            "site": site,
            "at": rfc3339(self.at),
            "rank": self.rank,
            "branch": self.branch,
            "forwarded": sent,
        }


@dataclass(frozen=True, slots=True)
class Listed:
    """A coming speaker. `minutes` None: what is usual. `version` rises with every change of it."""

    site: str
    note: str = ""
    minutes: int | None = None
    version: int = 1

    def to_json(self) -> JsonObject:
        """`{"site", "note", "minutes", "version"}`."""
        return {"site": self.site, "note": self.note, "minutes": self.minutes, "version": self.version}


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the agenda. `minutes`: what it is planned to take; `each`: for one speaker of it; `sites`:
    who is planned to speak."""

    id: str
    title: str
    minutes: int | None = None
    each: int | None = None
    sites: tuple[str, ...] = ()
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def runs(self) -> bool:
        """Whether it has begun and not ended."""
        return self.started_at is not None and self.ended_at is None

    def to_json(self) -> JsonObject:
        """As `MeetingState` has it."""
        return {
            "id": self.id,
            "title": self.title,
            "minutes": self.minutes,
            "each": self.each,
            "sites": self.sites,
            "started_at": None if self.started_at is None else rfc3339(self.started_at),
            "ended_at": None if self.ended_at is None else rfc3339(self.ended_at),
        }


@dataclass(frozen=True, slots=True)
class LastMute:
    """The last mute of a subtree (`unit`) or of all (None), as event `n`: how many it shut, `by` whom, and
    which of them are as it left them: these can be opened again."""

    n: int
    unit: str | None
    count: int
    sites: tuple[str, ...]
    by: str
    at: datetime

    def to_json(self) -> JsonObject:
        """As `MeetingState` has it."""
        return {
            "n": self.n,
            "unit": self.unit,
            "count": self.count,
            "sites": self.sites,
            "by": self.by,
            "at": rfc3339(self.at),
        }


@dataclass(frozen=True, slots=True)
class Order:
    """The speakers' list, the agenda with the number of its last change, and the rules of time: `minutes` for
    who is given the floor without a word about it (None: as long as it takes); `auto_end`: the floor ends by
    itself when the time is over."""

    listed: tuple[Listed, ...] = ()
    agenda: tuple[Item, ...] = ()
    agenda_version: int = 0
    minutes: int | None = None
    auto_end: bool = False
    last_mute: LastMute | None = None

    def mentioned(self) -> Iterator[str]:
        """Every site that it names."""
        yield from (entry.site for entry in self.listed)
        for item in self.agenda:
            yield from item.sites

    def entry(self, site: str) -> Listed | None:
        """The site's place on the speakers' list."""
        return next((entry for entry in self.listed if entry.site == site), None)

    @property
    def running(self) -> Item | None:
        """The agenda's item that runs."""
        return next((item for item in self.agenda if item.runs), None)

    def usual_minutes(self, site: str) -> int | None:
        """How long the site may speak when nobody says: by the list, the agenda's item, the meeting."""
        entry, item = self.entry(site), self.running
        if entry is not None and entry.minutes is not None:
            return entry.minutes
        return item.each if item is not None and item.each is not None else self.minutes

    def without(self, site: str) -> "Order":
        """The list without a site that has come to speak."""
        if self.entry(site) is None:
            return self
        return replace(self, listed=tuple(entry for entry in self.listed if entry.site != site))

    def changed_since_mute(self, site: str) -> "Order":
        """The site's microphone is no longer as the last mute of many left it."""
        last = self.last_mute
        if last is None or site not in last.sites:
            return self
        left = tuple(other for other in last.sites if other != site)
        return replace(self, last_mute=replace(last, sites=left))

    def to_json(self) -> JsonObject:
        """Whole, for the store's snapshots."""
        return {
            "listed": [entry.to_json() for entry in self.listed],
            "agenda": [item.to_json() for item in self.agenda],
            "agenda_version": self.agenda_version,
            "minutes": self.minutes,
            "auto_end": self.auto_end,
            "last_mute": None if self.last_mute is None else self.last_mute.to_json(),
        }


Json: TypeAlias = Mapping[str, Any]


def listed_of(rows: list[Json]) -> tuple[Listed, ...]:
    """The list of `to_json`."""
    return tuple(Listed(**row) for row in rows)


def items_of(rows: list[Json]) -> tuple[Item, ...]:
    """The agenda of `to_json`."""
    return tuple(
        Item(
            row["id"],
            row["title"],
            row["minutes"],
            row["each"],
            tuple(row["sites"]),
            _parse(row["started_at"]),
            _parse(row["ended_at"]),
        )
        for row in rows
    )


def order_of(value: Json | None) -> Order:
    """The order of `to_json`; snapshots from before there was one have none."""
    if value is None:
        return Order()
    last = value["last_mute"]
    return Order(
        listed_of(value["listed"]),
        items_of(value["agenda"]),
        value["agenda_version"],
        value["minutes"],
        value["auto_end"],
        None
        if last is None
        else LastMute(**{**last, "sites": tuple(last["sites"]), "at": parse_rfc3339(last["at"])}),
    )


def hand_row(site: str, hand: Hand) -> list[JsonValue]:
    """A hand in the store's snapshots."""
    sent = hand.forwarded
    return [site, rfc3339(hand.at), hand.rank, hand.branch, None if sent is None else sent.to_json()]


def hand_of(row: list[Any], place: int) -> tuple[str, Hand]:
    """The hand of `hand_row`; rows from before there were queues hold the site and the time."""
    site, at, *more = row
    if not more:
        return site, Hand(parse_rfc3339(at), float(place))
    rank, branch, sent = more
    forwarded = None if sent is None else Forwarded(parse_rfc3339(sent["at"]), sent["note"], sent["by"])
    return site, Hand(parse_rfc3339(at), rank, branch, forwarded)


def _parse(text: str | None) -> datetime | None:
    return None if text is None else parse_rfc3339(text)
