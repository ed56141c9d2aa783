"""Activation codes and device credentials of sites."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from sqlalchemy import ColumnElement, and_, select, update

from diemcau.access.actor import Actor, site_actor
from diemcau.access.limits import Lockout, RateLimiter, network_of
from diemcau.access.permissions import authorise
from diemcau.access.secrets import code_hash, new_code, new_token, token_hash
from diemcau.access.tables import codes, devices
from diemcau.clock import Clock
from diemcau.errors import BadCode, BadRequest, JsonObject, NotAuthenticated
from diemcau.store import Lookup, Store, UnitOfWork
from diemcau.units import Units

STREAM: Final = "access"
"""Stream of what is done to many sites at once."""

_BATCH: Final = 1000

REMEMBERED_S: Final = 1.0
"""Seconds that a device is known without asking the database: a page that comes in is asked who it is some
four times within a moment."""

MOST_REMEMBERED: Final = 20_000


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """An activation code, readable only now. `code`: "K7QF-9TXM-4RHA"."""

    site: str
    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Activation:
    """A device that was bound to a site. `credential` goes into the cookie or bearer, stored only hashed."""

    site: str
    credential: str
    replaced: bool


class Devices:
    """The part of `Access` that knows sites' devices."""

    def __init__(self, store: Store, units: Units, clock: Clock, secret: bytes) -> None:
        self._store = store
        self._units = units
        self._clock = clock
        self._secret = secret
        # Thousands of communes may stand behind one address of a carrier: right codes are hardly limited,
        # wrong ones are. One of them who types nonsense must not shut out the others: the lockout is asked
        # only once a code was found wrong. What that gives who guesses are the look-ups that `_attempts` lets
        # through, at 59 bits a code.
        self._attempts = RateLimiter(burst=200, per_second=50)
        self._bound = Lookup(self._load_bound)
        self._known: dict[bytes, tuple[float, str]] = {}
        self._changes = 0
        self._wrong_codes = Lockout(limit=30, period=timedelta(minutes=10))

    async def issue_codes(
        self, actor: Actor, sites: Sequence[tuple[str, str]], *, ttl: timedelta = timedelta(days=14)
    ) -> tuple[IssuedCode, ...]:
        """New codes for (site id, its unit); earlier unused ones of these sites are revoked. Needs
        `code.issue`.

        Callers go through `Sites.issue_codes`, which knows the sites. Raises Forbidden, BadRequest.
        """
        if not sites:
            return ()
        if not timedelta(minutes=1) <= ttl <= timedelta(days=365):
            raise BadRequest("a code is valid for a minute to a year", field="ttl")
        authorise(self._units, actor, "code.issue", *{unit for _, unit in sites})
        ids = list(dict.fromkeys(site for site, _ in sites))
        expires_at = self._clock.now() + ttl
        issued = tuple(IssuedCode(site, new_code(), expires_at) for site in ids)

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
        return issued

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

    async def activate(self, code: str, *, address: str) -> Activation:
        """Exchanges a one-time code for a device credential; the site's old device is out.

        Raises BadCode, TooManyRequests (rate limit; a wrong code from where too many came).
        """
        now = self._clock.now()
        network = network_of(address)
        self._attempts.take(network, now)
        hashed = code_hash(self._secret, code)
        usable = and_(codes.c.used_at.is_(None), codes.c.revoked_at.is_(None), codes.c.expires_at > now)
        site: str | None = None
        if hashed is not None:
            async with self._store.read() as connection:
                site = await connection.scalar(select(codes.c.site).where(codes.c.code == hashed, usable))
        if site is None:
            self._wrong_codes.check(network, now)
            self._wrong_codes.failed(network, now)
            raise BadCode
        return await self._bind(site, hashed, usable)

    async def _bind(self, site: str, hashed: bytes | None, usable: ColumnElement[bool]) -> Activation:
        credential = new_token()
        stream = f"site:{site}"

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            taken = update(codes).where(codes.c.code == hashed, usable)
            # Two devices with one sheet: the row's lock lets one of them through.
            if not (await connection.execute(taken.values(used_at=unit.now))).rowcount:
                raise BadCode
            ended = await connection.execute(
                update(devices)
                .where(devices.c.site == site, devices.c.ended_at.is_(None))
                .values(ended_at=unit.now)
            )
            row = {"credential": token_hash(credential), "site": site, "bound_at": unit.now}
            await connection.execute(devices.insert(), row)
            unit.on_commit(self._changed)
            replaced = bool(ended.rowcount)
            unit.append(stream, "site_activated", {"site": site, "replaced": replaced}, actor=stream)
            return {"replaced": replaced}

        answer = await self._store.write(work, streams=[stream])
        return Activation(site, credential, answer["replaced"] is True)

    async def site_of_device(self, credential: str) -> Actor:
        """Which site holds this device credential; what another process changed shows within a second.

        Raises NotAuthenticated.
        """
        key, now, changes = token_hash(credential), monotonic(), self._changes
        known = self._known.get(key)
        if known is not None and now - known[0] < REMEMBERED_S:
            return site_actor(known[1])
        site = await self._bound.get(key)
        if site is None:
            raise NotAuthenticated
        # Asked before a change of ours was stored, it may say what was.
        if changes == self._changes:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[key] = (now, site)
        return site_actor(site)

    def _changed(self) -> None:
        self._changes += 1
        self._known.clear()

    async def _load_bound(self, hashes: list[bytes]) -> Mapping[bytes, str]:
        query = select(devices.c.credential, devices.c.site).where(
            devices.c.credential.in_(hashes), devices.c.ended_at.is_(None)
        )
        async with self._store.read() as connection:
            return {row.credential: row.site for row in await connection.execute(query)}


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH))
