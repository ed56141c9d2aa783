"""Bearer tokens for programs that are no page: an encoder that publishes as a site, a player that watches."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Row, or_, select, update

from diemcau.access.actor import Actor
from diemcau.access.permissions import allowed, authorise
from diemcau.access.secrets import new_token, token_hash
from diemcau.access.tables import tokens
from diemcau.clock import Clock, rfc3339
from diemcau.errors import BadRequest, JsonObject, NotAuthenticated, NotFound
from diemcau.ids import NewId
from diemcau.store import Lookup, Store, UnitOfWork
from diemcau.units import Units

STREAM: Final = "access"
MAX_LISTED: Final = 1000
MAX_LIVE: Final = 50
"""Tokens of one target that are good at once."""

_LOOKED_AT: Final = 5000


class TokenKind(StrEnum):
    """What a token opens: `whip`, publishing as a site; `whep`, watching a meeting's stage."""

    WHIP = "whip"
    WHEP = "whep"


@dataclass(frozen=True, slots=True)
class Token:
    """A token as lists show it. `target`: a site's id (whip) or a meeting's (whep). `issued_by`: an actor's
    key."""

    id: str
    kind: TokenKind
    target: str
    issued_by: str
    issued_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A fresh token. `secret`: what a client sends as bearer, readable only now."""

    token: Token
    secret: str


class TokenNotFound(NotFound):
    """No good token has this id, or it is not the asker's to know of. Details: `token`."""

    default = "There is no such token."


class Tokens:
    """The part of `Access` that knows tokens."""

    def __init__(self, store: Store, units: Units, clock: Clock, make_id: NewId) -> None:
        self._store = store
        self._units = units
        self._clock = clock
        self._make_id = make_id
        self._held = Lookup(self._load_held)

    async def issue_token(
        self,
        actor: Actor,
        kind: TokenKind,
        target: str,
        units: Sequence[str],
        *,
        ttl: timedelta | None = None,
    ) -> IssuedToken:
        """A new token; needs `token.whip` over the site's unit or `token.whep` over the meeting's scope.

        `units`: of the target, which the caller knows. `ttl` None: good until it is revoked.
        Raises Forbidden, BadRequest (a lifetime out of bounds, too many tokens of the target).
        """
        authorise(self._units, actor, f"token.{kind}", *units)
        if ttl is not None and not timedelta(minutes=1) <= ttl <= timedelta(days=366):
            raise BadRequest("a token is valid for a minute to a year", field="hours")
        secret = new_token()
        now = self._clock.now()
        expires_at = None if ttl is None else now + ttl
        token = Token(self._make_id("k"), kind, target, actor.key, now, expires_at)

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            mine = select(tokens.c.id).where(
                tokens.c.kind == kind.value, tokens.c.target == target, self._good()
            )
            if len((await connection.execute(mine.limit(MAX_LIVE))).all()) >= MAX_LIVE:
                raise BadRequest(f"at most {MAX_LIVE} tokens for one {kind} target", field="tokens")
            row = {
                "id": token.id,
                "secret": token_hash(secret),
                "kind": kind.value,
                "target": target,
                "units": list(dict.fromkeys(units)),
                "issued_by": actor.key,
                "issued_at": unit.now,
                "expires_at": expires_at,
            }
            await connection.execute(tokens.insert(), row)
            data: JsonObject = {
                **_named(token),
                "expires_at": None if expires_at is None else rfc3339(expires_at),
            }
            unit.append(STREAM, "token_issued", data, actor=actor.key)
            return {}

        await self._store.write(work, streams=[STREAM])
        return IssuedToken(token, secret)

    async def tokens(self, actor: Actor, *, target: str | None = None) -> tuple[Token, ...]:
        """The good tokens that the actor may issue and revoke, newest first, at most 1,000."""
        query = select(tokens).where(self._good()).order_by(tokens.c.issued_at.desc(), tokens.c.id)
        if target is not None:
            query = query.where(tokens.c.target == target)
        async with self._store.read() as connection:
            rows = (await connection.execute(query.limit(_LOOKED_AT))).all()
        return tuple(_token(row) for row in rows if self._may(actor, row))[:MAX_LISTED]

    async def revoke_token(self, actor: Actor, token: str) -> Token:
        """The token opens nothing any more; who was let in by it is put out by whoever hears the event.

        Raises TokenNotFound (also for one that the actor could not have issued).
        """
        async with self._store.read() as connection:
            row = (await connection.execute(select(tokens).where(tokens.c.id == token))).one_or_none()
        if row is None or row.revoked_at is not None or not self._may(actor, row):
            raise TokenNotFound(None, token=token[:64])
        known = _token(row)

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            still = tokens.c.revoked_at.is_(None)
            ended = update(tokens).where(tokens.c.id == token, still).values(revoked_at=unit.now)
            if not (await connection.execute(ended)).rowcount:
                raise TokenNotFound(None, token=token)
            unit.append(STREAM, "token_revoked", _named(known), actor=actor.key)
            return {}

        await self._store.write(work, streams=[STREAM])
        return known

    async def token_of(self, secret: str) -> Token:
        """The good token with this secret. Raises NotAuthenticated."""
        found = await self._held.get(token_hash(secret))
        if found is None:
            raise NotAuthenticated("The token is not valid")
        return found

    async def note_token_used(self, token: Token, connection: str) -> None:
        """Writes down that a media connection was opened by the token."""

        async def work(unit: UnitOfWork) -> JsonObject:
            data: JsonObject = {**_named(token), "connection": connection}
            unit.append(STREAM, "token_used", data, actor=f"token:{token.id}")
            return {}

        await self._store.write(work, streams=[STREAM])

    async def good_tokens(self, ids: Collection[str]) -> frozenset[str]:
        """Those of the ids that are good now."""
        found: set[str] = set()
        asked = list(ids)
        async with self._store.read() as connection:
            for start in range(0, len(asked), 500):
                query = select(tokens.c.id).where(tokens.c.id.in_(asked[start : start + 500]), self._good())
                found.update(row.id for row in await connection.execute(query))
        return frozenset(found)

    async def _load_held(self, secrets: list[bytes]) -> Mapping[bytes, Token]:
        query = select(tokens).where(tokens.c.secret.in_(secrets), self._good())
        async with self._store.read() as connection:
            return {row.secret: _token(row) for row in await connection.execute(query)}

    def _good(self) -> Any:
        not_expired = or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > self._clock.now())
        return tokens.c.revoked_at.is_(None) & not_expired

    def _may(self, actor: Actor, row: Row[Any]) -> bool:
        return all(allowed(self._units, actor, f"token.{row.kind}", unit) for unit in row.units)


def _token(row: Row[Any]) -> Token:
    return Token(row.id, TokenKind(row.kind), row.target, row.issued_by, row.issued_at, row.expires_at)


def _named(token: Token) -> dict[str, str]:
    return {"token": token.id, "kind": token.kind.value, "target": token.target}
