"""`Outbox`: what was, and would be, told to the sites of a wave. It only looks."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import func, select

from diemcau.access import Actor
from diemcau.rollout.readiness import Cause, Readiness, Row
from diemcau.rollout.waves.audience import Audience, Channel, Kind, count, lot_of
from diemcau.rollout.waves.letter import Words, values_of
from diemcau.rollout.waves.mailer import Mailer
from diemcau.rollout.waves.sending import TOLD, Message, Sending, message_of, sending_of
from diemcau.rollout.waves.service import Waves
from diemcau.rollout.waves.tables import wave_messages, wave_sendings
from diemcau.rollout.waves.template import Rendered, render
from diemcau.rollout.waves.wave import SendingNotFound, Wave
from diemcau.store import Store

MAX_SHOWN: Final = 500


class Outbox:
    """See the module."""

    def __init__(self, store: Store, readiness: Readiness, waves: Waves, mailer: Mailer) -> None:
        self._store, self._readiness, self._waves, self._mailer = store, readiness, waves, mailer

    @property
    def mail(self) -> bool:
        """Whether letters can be sent."""
        return self._mailer.configured

    async def preview(
        self,
        actor: Actor,
        wave: str,
        kind: Kind,
        channel: Channel,
        words: Words,
        causes: Sequence[Cause],
        site: str | None = None,
    ) -> tuple[Audience, Rendered, Row | None]:
        """Whom it would reach, and the text as one of them would read it (`site`, else the first).

        The code in it is none. Raises WaveNotFound, BadTemplate.
        """
        found = await self._waves.see(actor, wave)
        self._waves.may(actor, found)
        template = words.template()
        rows = await self._rows(found)
        told = await self._told(found.id, self._occasion(found, kind), channel)
        shown = next((row for row in rows if row.site.id == site), None) or next(
            (row for row in rows if lot_of(row, causes, channel, told) == "send"), rows[0] if rows else None
        )
        code = "XXXX-XXXX-XXXX" if shown is not None and shown.facts.activated_at is None else None
        values = values_of(found, None if shown is None else shown.site, words, code)
        return count(rows, causes, channel, told), render(template, values), shown

    async def sendings(self, actor: Actor, wave: str) -> list[Sending]:
        """What was begun for the wave, the latest first. Raises WaveNotFound."""
        await self._waves.see(actor, wave)
        return await self._sendings(wave_sendings.c.wave == wave)

    async def counts(self) -> dict[tuple[str, str], dict[str, int]]:
        """(wave, occasion) -> messages by state, of all waves, for the server's own use."""
        m = wave_messages.c
        query = select(m.wave, m.occasion, m.state, func.count()).group_by(m.wave, m.occasion, m.state)
        found: dict[tuple[str, str], dict[str, int]] = {}
        async with self._store.read() as connection:
            for wave, occasion, state, number in await connection.execute(query):
                states = found.setdefault((wave, occasion), {})
                states[state] = states.get(state, 0) + number
        return found

    async def messages(
        self, actor: Actor, sending: str, states: Collection[str] = ("failed", "uncertain", "skipped")
    ) -> list[Message]:
        """Messages of a sending in these states, at most `MAX_SHOWN`, of sites that the asker may see.

        Raises SendingNotFound.
        """
        found = await self._sending(actor, sending)
        m = wave_messages.c
        query = (
            select(wave_messages)
            .where(m.sending == found.id, m.state.in_(states))
            .order_by(m.state, m.place)
            .limit(MAX_SHOWN)
        )
        async with self._store.read() as connection:
            rows = (await connection.execute(query)).all()
        sites = await self._readiness.of_sites(row.site for row in rows)
        seen = set(self._readiness.seen_by(actor, list(sites)))
        return [message_of(row, sites[row.site]) for row in rows if row.site in seen]

    async def _sending(self, actor: Actor, sending: str) -> Sending:
        found = await self._one(sending)
        await self._waves.see(actor, found.wave)
        return found

    async def _one(self, sending: str) -> Sending:
        found = await self._sendings(wave_sendings.c.id == sending)
        if not found:
            raise SendingNotFound(None, sending=sending[:64])
        return found[0]

    async def _sendings(self, condition: Any) -> list[Sending]:
        m = wave_messages.c
        query = select(wave_sendings).where(condition).order_by(wave_sendings.c.created_at.desc()).limit(100)
        async with self._store.read() as connection:
            rows = (await connection.execute(query)).all()
            counted = select(m.sending, m.state, func.count()).where(m.sending.in_([row.id for row in rows]))
            counts: dict[str, dict[str, int]] = {}
            for name, state, number in await connection.execute(counted.group_by(m.sending, m.state)):
                counts.setdefault(name, {})[state] = number
        return [sending_of(row, counts.get(row.id, {})) for row in rows]

    async def _rows(self, wave: Wave) -> list[Row]:
        order = await self._waves.sites_of(wave.id)
        rows = await self._readiness.of_sites(order)
        return [rows[site] for site in order if site in rows]

    async def _told(self, wave: str, occasion: str, channel: Channel) -> set[str]:
        m = wave_messages.c
        query = select(m.site).where(
            m.wave == wave, m.occasion == occasion, m.channel == channel, m.state.in_(TOLD)
        )
        async with self._store.read() as connection:
            return {row.site for row in await connection.execute(query)}

    @staticmethod
    def _occasion(wave: Wave, kind: Kind) -> str:
        """An invitation is one for each day that the wave has had; every reminder is one of its own."""
        return f"invitation.{wave.revision}" if kind == "invitation" else "reminder"
