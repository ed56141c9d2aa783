"""A roll call as it is shown, sealed and printed: one row a site, human and machine side by side."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from diemcau.clock import rfc3339
from diemcau.errors import JsonObject, JsonValue
from diemcau.meetings.meeting import Meeting
from diemcau.meetings.rollcall.book import Book, RollCall
from diemcau.meetings.rollcall.contradictions import unit_says
from diemcau.meetings.rollcall.evidence import Evidence

FORMAT: Final = "diemcau roll call 1"


def row(book: Book, site: str, evidence: Evidence) -> dict[str, JsonValue]:
    """What changes of a site's row: entry, evidence, where they do not fit."""
    return {
        **book.entry(site).to_json(),
        **evidence.to_json(),
        "contradictions": book.contradictions(site, evidence.connected),
    }


def named_row(book: Book, site: str, evidence: Evidence) -> dict[str, JsonValue]:
    """The same with what does not change."""
    place = book.places[site]
    fixed: dict[str, JsonValue] = {
        "unit": place.site.unit,
        "level": place.level,
        "branch": place.branch,
        "label": place.site.label,
        "path": place.site.path,
    }
    return {**fixed, **row(book, site, evidence)}


def sealed_bytes(
    book: Book,
    call: RollCall,
    meeting: Meeting,
    since: datetime,
    units: Collection[str],
    evidence: Callable[[str], Evidence],
) -> bytes:
    """The canonical bytes of the whole result: what is hashed, and what every later export is made of."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "meeting": {"id": meeting.id, "title": meeting.title},
        "call": {
            "id": call.id,
            "number": call.number,
            "corrects": call.corrects,
            "opened_at": rfc3339(call.opened_at),
            "opened_by": call.opened_by,
            "sealed_at": None if call.sealed_at is None else rfc3339(call.sealed_at),
            "sealed_by": call.sealed_by,
        },
        "watched_since": rfc3339(since),
        "totals": [total.to_json() for total in book.totals(units)],
        "confirmed": book.confirmations(units),
        "rows": [named_row(book, site, evidence(site)) for site in book.places],
    }
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def digest_of(result: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(result).hexdigest()


def read(result: bytes) -> Mapping[str, Any]:
    """The document of sealed bytes."""
    document: Mapping[str, Any] = orjson.loads(result)
    return document


def totals_of(rows: Collection[JsonObject], levels: Collection[str]) -> list[dict[str, JsonValue]]:
    """Totals by level of rows as they are in a result, units counted as a book does."""
    said: dict[tuple[str, str], list[Any]] = {}
    for one in rows:
        said.setdefault((str(one["level"]), str(one["unit"])), []).append(one["says"])
    counts: dict[str, list[int]] = {}
    for (level, _), statements in said.items():
        count = counts.setdefault(level, [0, 0, 0])
        says = unit_says(statements)
        count[0] += says == "present"
        count[1] += says == "absent"
        count[2] += 1
    return [
        {"level": level, "present": counts[level][0], "absent": counts[level][1], "of": counts[level][2]}
        for level in levels
        if level in counts
    ]
