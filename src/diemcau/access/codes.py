"""Activation codes of sites: drawn, made good, revoked."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Select, func, select, update

from diemcau.access.actor import Actor
from diemcau.access.permissions import authorise
from diemcau.access.secrets import code_hash, new_code
from diemcau.access.tables import codes, devices
from diemcau.clock import Clock
from diemcau.errors import BadRequest, JsonObject
from diemcau.store import Store, UnitOfWork
from diemcau.units import Units

STREAM: Final = "access"
"""Stream of what is done to many sites at once."""

_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """An activation code, readable only now. `code`: "K7QF-9TXM-4RHA"."""

    site: str
    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DeviceState:
    """What is known of a site's device. `activated_at`: of the one that stands for it now, None without one;
    `conflict_at`: when two machines last held its key; `code_until`: an unused code is good until then."""

    activated_at: datetime | None = None
    conflict_at: datetime | None = None
    code_until: datetime | None = None


class Codes:
    """The part of `Access` that knows activation codes."""

    def __init__(self, store: Store, units: Units, clock: Clock, secret: bytes) -> None:
        self._store = store
        self._units = units
        self._clock = clock
        self._secret = secret

    def draw_codes(
        self, sites: Sequence[str], *, ttl: timedelta = timedelta(days=14)
    ) -> tuple[IssuedCode, ...]:
        """Codes for sites that are good for nothing before `store_codes`: sheets are made of them first, so
        that a job that is interrupted has changed nothing. Raises BadRequest."""
        if not timedelta(minutes=1) <= ttl <= timedelta(days=365):
            raise BadRequest("a code is valid for a minute to a year", field="ttl")
        expires_at = self._clock.now() + ttl
        return tuple(IssuedCode(site, new_code(), expires_at) for site in dict.fromkeys(sites))

    async def issue_codes(
        self, actor: Actor, sites: Sequence[tuple[str, str]], *, ttl: timedelta = timedelta(days=14)
    ) -> tuple[IssuedCode, ...]:
        """New codes for (site id, its unit); earlier unused ones of these sites are revoked. Needs
        `code.issue`.

        Callers go through `Sites.issue_codes`, which knows the sites. Raises Forbidden, BadRequest.
        """
        issued = self.draw_codes([site for site, _ in sites], ttl=ttl)
        await self.store_codes(actor, sites, issued)
        return issued

    async def store_codes(
        self, actor: Actor, sites: Sequence[tuple[str, str]], issued: Sequence[IssuedCode]
    ) -> None:
        """Makes drawn codes good, all at once; see `issue_codes`. Raises Forbidden, BadRequest."""
        if not issued:
            return
        authorise(self._units, actor, "code.issue", *{unit for _, unit in sites})
        ids = [code.site for code in issued]
        if set(ids) != {site for site, _ in sites}:
            raise BadRequest("codes of other sites", field="sites")

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            for batch in _batches(ids):
                await connection.execute(
                    update(codes)
                    .where(codes.c.site.in_(batch), codes.c.used_at.is_(None), codes.c.revoked_at.is_(None))
                    .values(revoked_at=unit.now)
                )
                unit.append(STREAM, "codes_issued", {"sites": batch}, actor=actor.key)
            rows = [
                {
                    "code": code_hash(self._secret, code.code),
                    "site": code.site,
                    "issued_at": unit.now,
                    "expires_at": code.expires_at,
                }
                for code in issued
            ]
            await connection.execute(codes.insert(), rows)
            return {}

        await self._store.write(work, streams=[STREAM])

    async def revoke_codes(
        self, actor: Actor, sites: Sequence[tuple[str, str]], *, devices_too: bool = False
    ) -> int:
        """Revokes the unused codes of these sites, and their devices' credentials if asked; answers how
        many."""
        if not sites:
            return 0
        authorise(self._units, actor, "code.revoke", *{unit for _, unit in sites})
        ids = list(dict.fromkeys(site for site, _ in sites))

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            unit.on_commit(self._changed)
            count = 0
            for batch in _batches(ids):
                done = await connection.execute(
                    update(codes)
                    .where(codes.c.site.in_(batch), codes.c.used_at.is_(None), codes.c.revoked_at.is_(None))
                    .values(revoked_at=unit.now)
                )
                count += done.rowcount
                if devices_too:
                    done = await connection.execute(
                        update(devices)
                        .where(devices.c.site.in_(batch), devices.c.ended_at.is_(None))
                        .values(ended_at=unit.now)
                    )
                    count += done.rowcount
                data: JsonObject = {"sites": batch, "devices": devices_too}
                unit.append(STREAM, "codes_revoked", data, actor=actor.key)
            return {"count": count}

        answer = await self._store.write(work, streams=[STREAM])
        return int(str(answer["count"]))

    async def device_states(self, sites: Sequence[str]) -> dict[str, DeviceState]:
        """Of every one of the sites."""
        bound: dict[str, tuple[datetime | None, datetime | None]] = {}
        until: dict[str, datetime] = {}
        async with self._store.read() as connection:
            for batch in _batches(list(dict.fromkeys(sites))):
                device = select(devices.c.site, devices.c.bound_at, devices.c.conflict_at)
                here = (devices.c.site.in_(batch), devices.c.ended_at.is_(None))
                for row in await connection.execute(device.where(*here)):
                    bound[row.site] = (row.bound_at, row.conflict_at)
                code = select(codes.c.site, codes.c.expires_at).where(codes.c.site.in_(batch), *self._open())
                for open_code in await connection.execute(code):
                    until[open_code.site] = open_code.expires_at
        states = {}
        for site in sites:
            activated_at, conflict_at = bound.get(site, (None, None))
            states[site] = DeviceState(activated_at, conflict_at, until.get(site))
        return states

    async def count_devices(self, sites: Select[tuple[str]]) -> tuple[int, int]:
        """Of the sites that a query names: how many a device stands for, and for how many others an unused
        code is good."""
        active = select(devices.c.site).where(devices.c.ended_at.is_(None), devices.c.site.in_(sites))
        waiting = select(codes.c.site).where(
            *self._open(), codes.c.site.in_(sites), codes.c.site.not_in(active)
        )
        async with self._store.read() as connection:
            counts = [
                await connection.scalar(select(func.count()).select_from(query.distinct().subquery()))
                for query in (active, waiting)
            ]
        return counts[0] or 0, counts[1] or 0

    def _open(self) -> tuple[ColumnElement[bool], ...]:
        now = self._clock.now()
        return codes.c.used_at.is_(None), codes.c.revoked_at.is_(None), codes.c.expires_at > now

    def _changed(self) -> None:
        """Devices were bound or ended: what is remembered of them is not true any more."""


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH))
