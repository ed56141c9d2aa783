"""One import: the file, how it is read, what was answered, what came of it. State only."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from diemcau.access import Actor
from diemcau.errors import JsonObject, JsonValue
from diemcau.rollout.fields import PLACES
from diemcau.rollout.heading import Heading
from diemcau.rollout.matching import Question
from diemcau.rollout.reasons import Rejection
from diemcau.rollout.wanted import Wanted
from diemcau.spreadsheet import Table
from diemcau.units import Units

PREVIEWED: Final = 12
SHOWN_QUESTIONS: Final = 200
SHOWN_REJECTIONS: Final = 200


class Status(StrEnum):
    """`READY`: looked through, may be run. `DONE`, `STOPPED`: was run, whole or in part. `FAILED`: the
    server could not; what was taken stays, and it may be run again."""

    CHECKING = "checking"
    READY = "ready"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(slots=True)
class Asking:
    """A question and the rows that wait for its answer."""

    question: Question
    rows: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Counts:
    """Sites by what is (to be) done with them."""

    created: int = 0
    changed: int = 0
    same: int = 0

    def to_json(self) -> dict[str, JsonValue]:
        """As it is."""
        return {"created": self.created, "changed": self.changed, "same": self.same}


@dataclass(slots=True)
class Job:
    """An import of `owner`'s. `within`: where the whole list lies. `wanted`, `rejections` (by row), `asking`
    (by key): what looking through found; `counts`: what will be done, and after a run what was. `done`, `of`:
    progress of the present work, in rows while checking and in sites while running."""

    id: str
    owner: Actor
    name: str
    data: bytes
    table: Table
    heading: Heading
    touched: datetime
    status: Status = Status.CHECKING
    within: str | None = None
    answers: dict[str, str | None] = field(default_factory=dict)
    wanted: list[Wanted] = field(default_factory=list)
    rejections: dict[int, Rejection] = field(default_factory=dict)
    asking: dict[str, Asking] = field(default_factory=dict)
    rows: int = 0
    counts: Counts = field(default_factory=Counts)
    done: int = 0
    of: int = 0
    error: str | None = None
    stop: bool = False
    checked: bool = False
    task: asyncio.Task[None] | None = None

    @property
    def mapped(self) -> bool:
        """Whether some column says where rows belong."""
        return any(column in PLACES for column in self.heading.columns)

    def all_rejections(self) -> dict[int, Rejection]:
        """Of every row that is not taken, those too whose question was not answered; by row number."""
        waiting = {
            row: Rejection(row, "unit_ambiguous", asking.question.text[:200])
            for asking in self.asking.values()
            for row in asking.rows
        }
        return dict(sorted({**self.rejections, **waiting}.items()))

    def to_json(self, units: Units) -> JsonObject:
        """`Import` of docs/protocol.md."""
        rejected = self.all_rejections()
        by_code = Counter(one.code for one in rejected.values())
        questions = sorted(self.asking.values(), key=lambda asking: -len(asking.rows))
        return {
            "id": self.id,
            "name": self.name,
            "status": self.status.value,
            "sheets": list(self.table.sheets),
            "sheet": self.table.sheet,
            "heading": {"first": self._number(self.heading.first), "rows": self._height()},
            "within": self.within,
            "within_path": units.path_text(self.within) if self.within is not None else None,
            "columns": [
                {
                    "index": index,
                    "title": title,
                    "field": field,
                    "samples": self._samples(index),
                }
                for index, (title, field) in enumerate(
                    zip(self.heading.titles, self.heading.columns, strict=True)
                )
            ],
            "preview": [
                {"row": number, "cells": list(cells)}
                for number, cells in zip(
                    self.table.numbers[self.heading.end :][:PREVIEWED],
                    self.table.rows[self.heading.end :][:PREVIEWED],
                    strict=True,
                )
            ],
            "mapped": self.mapped,
            "checked": self.checked,
            "rows": self.rows,
            "sites": self.counts.to_json(),
            "rejected": len(rejected),
            "reasons": dict(by_code.most_common()),
            "rejections": [one.to_json() for one in list(rejected.values())[:SHOWN_REJECTIONS]],
            "asked": len(questions),
            "questions": [_question(asking, units) for asking in questions[:SHOWN_QUESTIONS]],
            "progress": {"done": self.done, "of": self.of},
            "error": self.error,
        }

    def _height(self) -> int:
        return self.heading.end - self.heading.first

    def _number(self, index: int) -> int:
        numbers = self.table.numbers
        return numbers[index] if index < len(numbers) else numbers[-1] + 1

    def _samples(self, column: int) -> list[str]:
        found: dict[str, None] = {}
        for row in self.table.rows[self.heading.end :][:200]:
            if row[column]:
                found[row[column][:80]] = None
            if len(found) == 3:
                break
        return list(found)


def _question(asking: Asking, units: Units) -> JsonObject:
    question = asking.question
    return {
        "key": question.key,
        "level": question.level.value if question.level is not None else None,
        "text": question.text,
        "within": question.within,
        "within_path": units.path_text(question.within) if question.within is not None else None,
        "rows": len(asking.rows),
        "first_row": asking.rows[0],
        "candidates": [{"unit": code, "path": units.path_text(code)} for code in question.candidates],
    }
