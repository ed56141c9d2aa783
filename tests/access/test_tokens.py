"""Tokens of encoders and players: what is stored, who may, when they end."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from diemcau.access import SYSTEM, Access, Actor, Grant, Role, TokenKind, TokenNotFound, site_actor
from diemcau.clock import ManualClock
from diemcau.errors import BadRequest, Forbidden, NotAuthenticated
from diemcau.store import Store

WHIP, WHEP = TokenKind.WHIP, TokenKind.WHEP
TECHNICIAN = Actor("person", "p_9", grants=(Grant(Role.TECHNICIAN, "70"),))
DIRECTOR = Actor("person", "p_1", grants=(Grant(Role.DIRECTOR, "70"),))


async def test_a_token_is_known_by_its_secret_until_it_is_revoked(access: Access, store: Store) -> None:
    made = await access.issue_token(TECHNICIAN, WHIP, "s_25378", ["25378"])
    assert await access.token_of(made.secret) == made.token
    assert made.token.issued_by == "person:p_9" and made.token.expires_at is None
    async with store.read() as connection:
        [row] = (await connection.execute(text("SELECT * FROM tokens"))).all()
    assert made.secret not in str(row) and made.secret.encode() not in row.secret
    await access.revoke_token(TECHNICIAN, made.token.id)
    with pytest.raises(NotAuthenticated):
        await access.token_of(made.secret)
    with pytest.raises(TokenNotFound):
        await access.revoke_token(TECHNICIAN, made.token.id)
    assert [(e.type, e.actor) for e in await store.events("access")] == [
        ("token_issued", "person:p_9"),
        ("token_revoked", "person:p_9"),
    ]


async def test_a_token_ends_when_its_time_is_over(access: Access, clock: ManualClock) -> None:
    made = await access.issue_token(SYSTEM, WHEP, "m_1", ["VN"], ttl=timedelta(hours=1))
    kept = await access.issue_token(SYSTEM, WHEP, "m_1", ["VN"])
    both = {made.token.id, kept.token.id}
    assert await access.good_tokens([*both, "k_none"]) == both
    clock.advance(3600)
    with pytest.raises(NotAuthenticated):
        await access.token_of(made.secret)
    assert await access.good_tokens(both) == {kept.token.id}
    assert [token.id for token in await access.tokens(SYSTEM)] == [kept.token.id]
    for ttl in (timedelta(0), timedelta(days=400)):
        with pytest.raises(BadRequest):
            await access.issue_token(SYSTEM, WHEP, "m_1", ["VN"], ttl=ttl)


async def test_who_may_issue_lists_and_revokes_and_nobody_else_knows(access: Access) -> None:
    for actor, kind, units in (
        (TECHNICIAN, WHIP, ["75"]),
        (TECHNICIAN, WHEP, ["70"]),
        (DIRECTOR, WHIP, ["70"]),
        (DIRECTOR, WHEP, ["70", "75"]),
        (site_actor("s_25378"), WHIP, ["25378"]),
    ):
        with pytest.raises(Forbidden):
            await access.issue_token(actor, kind, "x", units)
    whip = await access.issue_token(TECHNICIAN, WHIP, "s_25378", ["25378"])
    whep = await access.issue_token(DIRECTOR, WHEP, "m_1", ["70", "695"])
    assert await access.tokens(TECHNICIAN) == (whip.token,)
    assert await access.tokens(DIRECTOR) == (whep.token,)
    assert await access.tokens(DIRECTOR, target="m_2") == ()
    for actor, token in ((TECHNICIAN, whep), (DIRECTOR, whip), (site_actor("s_25378"), whip)):
        with pytest.raises(TokenNotFound):
            await access.revoke_token(actor, token.token.id)
    assert await access.token_of(whip.secret) == whip.token


async def test_a_target_has_a_bounded_number_of_tokens(access: Access) -> None:
    for _ in range(50):
        last = await access.issue_token(SYSTEM, WHEP, "m_1", ["VN"])
    with pytest.raises(BadRequest):
        await access.issue_token(SYSTEM, WHEP, "m_1", ["VN"])
    await access.issue_token(SYSTEM, WHEP, "m_2", ["VN"])
    await access.revoke_token(SYSTEM, last.token.id)
    await access.issue_token(SYSTEM, WHEP, "m_1", ["VN"])
