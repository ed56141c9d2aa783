"""Stored self-tests: the last ones of each site."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, delete, func, select

from diemcau.clock import rfc3339
from diemcau.errors import JsonObject
from diemcau.rollout.selftest.advice import Advice
from diemcau.rollout.selftest.tables import self_tests
from diemcau.store import Store, UnitOfWork

KEPT: Final = 20
"""Self-tests that are kept of a site."""

_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class TestResult:
    """A stored self-test. `first_passed_at`: the first that this site passed, this one included."""

    id: str
    site: str
    at: datetime
    passed: bool
    first_passed_at: datetime | None
    advice: tuple[Advice, ...]
    figures: JsonObject

    @property
    def faults(self) -> tuple[Advice, ...]:
        """Why it was not passed."""
        return tuple(advice for advice in self.advice if advice.fault)

    def to_json(self) -> dict[str, Any]:
        """`SelfTest` of docs/protocol.md."""
        return {
            "id": self.id,
            "site": self.site,
            "at": rfc3339(self.at),
            "passed": self.passed,
            "advice": [advice.to_json() for advice in self.advice],
            "figures": self.figures,
        }


async def store_result(
    store: Store, actor: str, test: str, site: str, advice: Sequence[Advice], figures: JsonObject
) -> TestResult:
    """Stores one, forgets the oldest beyond `KEPT`, and tells the site's stream: `site_tested`."""
    passed = not any(one.fault for one in advice)
    stream = f"site:{site}"
    own = self_tests.c.site == site
    newest = select(self_tests.c.id).where(own).order_by(self_tests.c.at.desc(), self_tests.c.id.desc())
    made: list[TestResult] = []

    async def work(unit: UnitOfWork) -> JsonObject:
        connection = await unit.connection()
        first = await connection.scalar(select(func.min(self_tests.c.first_passed_at)).where(own))
        if first is None and passed:
            first = unit.now
        result = TestResult(test, site, unit.now, passed, first, tuple(advice), figures)
        row = {
            "id": test,
            "site": site,
            "at": unit.now,
            "passed": passed,
            "first_passed_at": first,
            "advice": [[one.code, one.part, one.fault, dict(one.values)] for one in advice],
            "figures": figures,
        }
        await connection.execute(self_tests.insert(), row)
        await connection.execute(delete(self_tests).where(own, self_tests.c.id.not_in(newest.limit(KEPT))))
        data: JsonObject = {
            "site": site,
            "test": test,
            "passed": passed,
            "findings": [one.code for one in advice],
        }
        unit.append(stream, "site_tested", data, actor=actor)
        made[:] = [result]
        return {}

    await store.write(work, streams=[stream])
    return made[0]


async def results_of(store: Store, site: str) -> tuple[TestResult, ...]:
    """The site's, newest first."""
    query = select(self_tests).where(self_tests.c.site == site)
    async with store.read() as connection:
        rows = await connection.execute(query.order_by(self_tests.c.at.desc(), self_tests.c.id.desc()))
        return tuple(_result(row) for row in rows)


async def last_results(store: Store, sites: Collection[str] | None = None) -> Mapping[str, TestResult]:
    """The newest of each of the sites, of all without an argument."""
    last = select(self_tests.c.site, func.max(self_tests.c.at).label("at")).group_by(self_tests.c.site)
    wanted = [None] if sites is None else [list(sites)[i : i + _BATCH] for i in range(0, len(sites), _BATCH)]
    found: dict[str, TestResult] = {}
    async with store.read() as connection:
        for batch in wanted:
            newest = (last if batch is None else last.where(self_tests.c.site.in_(batch))).subquery()
            query = select(self_tests).join(
                newest, (self_tests.c.site == newest.c.site) & (self_tests.c.at == newest.c.at)
            )
            for row in await connection.execute(query.order_by(self_tests.c.id)):
                found[row.site] = _result(row)
    return found


async def passed_at(store: Store, sites: Collection[str] | None = None) -> Mapping[str, datetime]:
    """When those of the sites whose newest test passed did it."""
    return {site: one.at for site, one in (await last_results(store, sites)).items() if one.passed}


def _result(row: Row[Any]) -> TestResult:
    advice = tuple(Advice(code, part, fault, values) for code, part, fault, values in row.advice)
    return TestResult(row.id, row.site, row.at, row.passed, row.first_passed_at, advice, row.figures)
