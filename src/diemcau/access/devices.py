"""Devices that codes bind to sites: a browser by its key, a program by a bearer; and their sessions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Final

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.exc import IntegrityError

from diemcau.access.actor import Actor, site_actor
from diemcau.access.codes import Codes
from diemcau.access.limits import Lockout, RateLimiter, network_of
from diemcau.access.lines import DeviceLine, Lines
from diemcau.access.proofs import BadProof, DeviceKey, Nonces, Purpose, decode, encode, message
from diemcau.access.secrets import code_hash, new_token, same, token_hash
from diemcau.access.tables import codes, devices
from diemcau.clock import Clock
from diemcau.errors import BadCode, BadRequest, JsonObject, NotAuthenticated
from diemcau.store import Lookup, Store, UnitOfWork
from diemcau.units import Units

LOOK_S: Final = 1.0
"""Seconds between two looks at whether another process has changed the devices: until then each is who it was
when it was read. A crowd that says something is so one query, not ten thousand."""

LATEST_S: Final = 3.0
"""Seconds that such a look may take before nobody is known any more without asking."""

MOST_REMEMBERED: Final = 20_000


@dataclass(frozen=True, slots=True)
class Activation:
    """A device that was bound to a site. `credential`: a program's bearer, stored only hashed; of a browser
    the name of its key, no secret."""

    site: str
    credential: str
    replaced: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """What a device answers a challenge with. `origin`: of the page, as the server knows it."""

    nonce: str
    signature: str
    origin: str


@dataclass(frozen=True, slots=True)
class DeviceSession:
    """A device's new session. `token`: for the cookie; `line`: what its page stands on; `conflict`: another
    machine with the same key was put out."""

    site: str
    token: str
    line: DeviceLine
    conflict: bool


class DeviceEnded(NotAuthenticated):
    """The key is no site's any more: replaced, revoked, or never activated."""

    code = "device_ended"
    default = "This device is no site any more: activate it with a new sheet."


@dataclass(frozen=True, slots=True)
class _Bound:
    site: str
    key: bytes | None


class Devices(Codes):
    """The part of `Access` that knows sites' devices."""

    def __init__(self, store: Store, units: Units, clock: Clock, secret: bytes) -> None:
        super().__init__(store, units, clock, secret)
        # Thousands of communes may stand behind one address of a carrier: right codes are hardly limited,
        # wrong ones are. One of them who types nonsense must not shut out the others: the lockout is asked
        # only once a code was found wrong. What that gives who guesses are the look-ups that `_attempts` lets
        # through, at 59 bits a code.
        self._attempts = RateLimiter(burst=200, per_second=50)
        self._bound = Lookup(self._load_bound)
        self._known: dict[bytes, _Bound] = {}
        self._changes = 0
        self._marked: tuple[int, int] | None = None
        self._looked = float("-inf")
        self._looking = False
        self._marks = Lookup(self._load_marks)
        self._wrong_codes = Lockout(limit=30, period=timedelta(minutes=10))
        self._sessions = RateLimiter(burst=20, per_second=0.2)
        self._nonces = Nonces()
        self._lines = Lines(secret, clock)

    def challenge(self, purpose: Purpose, origin: str) -> str:
        """A nonce that a device signs to prove its key; see `proofs.message`."""
        return self._nonces.issue(purpose, origin)

    async def activate(
        self, code: str, *, address: str, key: DeviceKey | None = None, proof: Proof | None = None
    ) -> Activation:
        """Exchanges a one-time code for a device; the site's old device is out.

        A browser brings its key and the proof that it holds it; the same browser may come again with the same
        code, when the first answer was lost. Without a key, which no door of the network offers, a bearer for
        a program is made. Raises BadCode, BadProof, TooManyRequests (rate limit; a wrong code from where too
        many came).
        """
        now = self._clock.now()
        network = network_of(address)
        self._attempts.take(network, now)
        if key is not None:
            self._check(key, proof, Purpose.ACTIVATE, f"{code}\n{encode(key.raw)}")
        hashed = code_hash(self._secret, code)
        usable = and_(codes.c.used_at.is_(None), codes.c.revoked_at.is_(None), codes.c.expires_at > now)
        row = None
        if hashed is not None:
            async with self._store.read() as connection:
                query = select(codes.c.site, codes.c.used_at, codes.c.revoked_at, codes.c.expires_at)
                row = (await connection.execute(query.where(codes.c.code == hashed))).one_or_none()
        if row is None:
            self._wrong_codes.check(network, now)
            self._wrong_codes.failed(network, now)
            raise BadCode
        if key is not None and proof is not None:
            # Only now: who has no code must not fill the memory of what was spent.
            self._nonces.spend(proof.nonce)
        if row.used_at is None and row.revoked_at is None and row.expires_at > now:
            return await self._bind(row.site, hashed, usable, key)
        if key is not None and row.used_at is not None:
            bound = await self._bound.get(key.id)
            if bound is not None and bound.site == row.site:
                return Activation(row.site, key.name, False)
        # Who shows the letters of a real code holds a sheet: what became of it helps nobody to guess another.
        reason = "used" if row.used_at is not None else "revoked" if row.revoked_at is not None else "expired"
        raise BadCode(None, reason=reason)

    async def _bind(
        self, site: str, hashed: bytes | None, usable: ColumnElement[bool], key: DeviceKey | None
    ) -> Activation:
        credential = new_token() if key is None else key.name
        stream = f"site:{site}"

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            taken = update(codes).where(codes.c.code == hashed, usable)
            # Two devices with one sheet: the row's lock lets one of them through.
            if not (await connection.execute(taken.values(used_at=unit.now))).rowcount:
                raise BadCode(None, reason="used")
            ended = await connection.execute(
                update(devices)
                .where(devices.c.site == site, devices.c.ended_at.is_(None))
                .values(ended_at=unit.now)
            )
            row = {
                "credential": token_hash(credential) if key is None else key.id,
                "site": site,
                "bound_at": unit.now,
                "public_key": None if key is None else key.raw,
            }
            try:
                await connection.execute(devices.insert(), row)
            except IntegrityError:
                raise BadRequest("this key was bound before: make a new one", field="key") from None
            unit.on_commit(self._changed)
            replaced = bool(ended.rowcount)
            data: JsonObject = {"site": site, "replaced": replaced, "key": key is not None}
            unit.append(stream, "site_activated", data, actor=stream)
            return {"replaced": replaced}

        answer = await self._store.write(work, streams=[stream])
        return Activation(site, credential, answer["replaced"] is True)

    # Sessions of devices with a key.

    async def begin_session(self, key: DeviceKey, shown: str | None, *, address: str) -> DeviceSession:
        """The session of a device that has just proved its key by its activation. Raises DeviceEnded."""
        bound = await self._bound.get(key.id)
        if bound is None:
            raise DeviceEnded
        return await self._begin(key.id, bound.site, shown, address)

    async def open_session(
        self, name: str, proof: Proof, shown: str | None, *, address: str
    ) -> DeviceSession:
        """A session for the device of this name. `shown`: the cookie that came with the request.

        Raises BadProof, DeviceEnded, TooManyRequests.
        """
        device = decode(name)
        bound = await self._bound.get(device)
        if bound is None or bound.key is None:
            raise DeviceEnded
        self._check(DeviceKey(bound.key), proof, Purpose.SESSION, name)
        self._nonces.spend(proof.nonce)
        self._sessions.take(bound.site, self._clock.now())
        return await self._begin(device, bound.site, shown, address)

    async def open_socket(self, token: str, proof: Proof) -> tuple[Actor, DeviceLine]:
        """Who opens a WebSocket: a device with a session, that proves its key once more.

        Raises NotAuthenticated, BadProof, DeviceConflict.
        """
        line = self._lines.resume(token)
        bound = await self._bound.get(line.device)
        if bound is None or bound.key is None:
            raise DeviceEnded
        key = DeviceKey(bound.key)
        self._check(key, proof, Purpose.SOCKET, key.name)
        self._nonces.spend(proof.nonce)
        return site_actor(bound.site), line

    async def site_of_session(self, token: str, secret: str | None) -> tuple[Actor, DeviceLine]:
        """Which site sends this cookie and, beside it, the page's secret. Raises NotAuthenticated,
        DeviceConflict."""
        line = self._lines.resume(token)
        if secret is None or not same(secret, self._lines.page_secret(line)):
            raise NotAuthenticated
        return await self.site_of_line(line), line

    async def site_of_line(self, line: DeviceLine) -> Actor:
        """Which site an open page is. Raises DeviceEnded, DeviceConflict."""
        self._lines.check(line)
        bound = await self._find(line.device)
        if bound is None:
            raise DeviceEnded
        return site_actor(bound.site)

    async def is_device(self, token: str, *, but: DeviceKey | None = None) -> bool:
        """Whether a cookie was given to a device, another than `but`, that is still a site's."""
        device = self._lines.device_of(token)
        if device is None or (but is not None and device == but.id):
            return False
        return await self._find(device) is not None

    def page_secret(self, line: DeviceLine) -> str:
        """What the page of this line must send with every request."""
        return self._lines.page_secret(line)

    def _check(self, key: DeviceKey, proof: Proof | None, purpose: Purpose, subject: str) -> None:
        if proof is None:
            raise BadProof
        self._nonces.check(proof.nonce, purpose, proof.origin)
        key.verify(proof.signature, message(purpose, proof.origin, proof.nonce, subject))

    async def _begin(self, device: bytes, site: str, shown: str | None, address: str) -> DeviceSession:
        opened = self._lines.open(device, shown)
        if opened.conflict:
            stream = f"site:{site}"

            async def work(unit: UnitOfWork) -> JsonObject:
                connection = await unit.connection()
                mine = devices.c.credential == device
                await connection.execute(update(devices).where(mine).values(conflict_at=unit.now))
                data: JsonObject = {"site": site, "from": network_of(address)}
                unit.append(stream, "device_conflict", data, actor=stream)
                return {}

            await self._store.write(work, streams=[stream])
        return DeviceSession(site, opened.token, opened.line, opened.conflict)

    # Who holds what.

    async def site_of_device(self, credential: str) -> Actor:
        """Which site's program holds this bearer; what another process changed shows within a second.

        Raises NotAuthenticated.
        """
        bound = await self._find(token_hash(credential))
        if bound is None or bound.key is not None:
            raise NotAuthenticated
        return site_actor(bound.site)

    def at_hand(self, held: str | DeviceLine) -> Actor | None:
        """Which site an open page or a program is, where that is known without asking anybody; None: ask."""
        if monotonic() - self._looked >= (LATEST_S if self._looking else LOOK_S):
            return None
        if isinstance(held, str):
            bound = self._known.get(token_hash(held))
            return None if bound is None or bound.key is not None else site_actor(bound.site)
        bound = self._known.get(held.device)
        if bound is None:
            return None
        self._lines.check(held)
        return site_actor(bound.site)

    async def _find(self, key: bytes) -> _Bound | None:
        await self._look()
        found = self._known.get(key)
        if found is not None:
            return found
        changes = self._changes
        bound = await self._bound.get(key)
        # Asked before a change was stored, it may say what was.
        if bound is not None and changes == self._changes:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[key] = bound
        return bound

    async def look(self) -> None:
        """Looks before it is time to, so that `at_hand` knows. Raises Busy, StorageUnavailable."""
        self._looking = True
        try:
            await self._look(LOOK_S / 2)
        finally:
            self._looking = False

    async def _look(self, after: float = LOOK_S) -> None:
        """Forgets all when another process has bound or ended a device; asked by many at once it is one
        query."""
        began = monotonic()
        if began - self._looked < after:
            return
        marks = await self._marks.get(b"")
        if marks != self._marked:
            self._marked = marks
            self._changed()
        self._looked = max(self._looked, began)

    async def _load_marks(self, _: list[bytes]) -> Mapping[bytes, tuple[int, int]]:
        # Rows are only added, and ended once: of what tells who a device is nothing else changes.
        query = select(func.count(), func.count(devices.c.ended_at)).select_from(devices)
        async with self._store.read() as connection:
            rows, ended = (await connection.execute(query)).one()
        return {b"": (rows, ended)}

    def _changed(self) -> None:
        self._changes += 1
        self._known.clear()

    async def _load_bound(self, hashes: list[bytes]) -> Mapping[bytes, _Bound]:
        query = select(devices.c.credential, devices.c.site, devices.c.public_key).where(
            devices.c.credential.in_(hashes), devices.c.ended_at.is_(None)
        )
        async with self._store.read() as connection:
            return {
                row.credential: _Bound(row.site, row.public_key) for row in await connection.execute(query)
            }
