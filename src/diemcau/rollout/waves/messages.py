"""`Messages`: letters to the sites of a wave are begun, stopped, tried again; text messages are exported."""

from collections.abc import Callable, Collection, Sequence
from typing import Any, Final

import anyio.to_thread
from sqlalchemy import delete, insert, select, update

from diemcau.access import Access, Actor
from diemcau.errors import BadRequest, JsonObject, WrongState
from diemcau.ids import NewId, new_id
from diemcau.rollout.readiness import Cause, Readiness, Row
from diemcau.rollout.waves import export
from diemcau.rollout.waves.audience import Channel, Kind, addresses_of, lot_of
from diemcau.rollout.waves.ledger import BATCH, STREAM
from diemcau.rollout.waves.letter import Words, values_of
from diemcau.rollout.waves.mailer import Mailer
from diemcau.rollout.waves.outbox import Outbox
from diemcau.rollout.waves.sending import TOLD, Sending
from diemcau.rollout.waves.service import Waves
from diemcau.rollout.waves.tables import wave_messages, wave_sendings
from diemcau.rollout.waves.template import render
from diemcau.rollout.waves.wave import MailNotSet, NobodyToTell, Wave
from diemcau.sites import Sites
from diemcau.store import Store, UnitOfWork

MAX_MINUTE: Final = 6_000


def _nobody() -> None:
    """Tells nobody."""


class Messages(Outbox):
    """See the module. `begun` is called when there is something to send; whoever sends sets it."""

    def __init__(
        self,
        store: Store,
        access: Access,
        sites: Sites,
        readiness: Readiness,
        waves: Waves,
        mailer: Mailer,
        *,
        make_id: NewId = new_id,
    ) -> None:
        super().__init__(store, readiness, waves, mailer)
        self._access, self._sites, self._make_id = access, sites, make_id
        self.begun: Callable[[], None] = _nobody

    async def start(
        self,
        actor: Actor,
        wave: str,
        kind: Kind,
        words: Words,
        *,
        causes: Sequence[Cause] = (),
        per_minute: int = 60,
        request: str,
    ) -> Sending:
        """Begins to send letters to all of the wave who are meant, have an address, and have not been told.

        `request`: the asker's name for it: the same again begins nothing. Raises WaveNotFound, Forbidden,
        BadTemplate, MailNotSet, NobodyToTell.
        """
        found = await self._waves.see(actor, wave)
        self._waves.may(actor, found)
        words.template()
        if not self._mailer.configured:
            raise MailNotSet
        if not 1 <= per_minute <= MAX_MINUTE:
            raise BadRequest(f"1 to {MAX_MINUTE} letters a minute", field="per_minute")
        rows = await self._rows(found)
        self._may_link(actor, words, rows)
        name = self._make_id("sending")

        async def work(unit: UnitOfWork) -> JsonObject:
            unit.on_commit(lambda: self.begun())
            await self.begin(unit, name, found, kind, words, rows, tuple(causes), per_minute, actor.key)
            return {"sending": name}

        answer = await self._store.write(work, streams=[STREAM], command=f"{actor.key}/{request}")
        return await self._one(str(answer["sending"]))

    async def begin(
        self,
        unit: UnitOfWork,
        name: str,
        wave: Wave,
        kind: Kind,
        words: Words,
        rows: Sequence[Row],
        causes: tuple[Cause, ...],
        per_minute: int,
        actor: str,
        channel: Channel = "email",
        occasion: str | None = None,
    ) -> int:
        """The rows of a sending and its messages, in the caller's transaction; how many it is for.

        Raises NobodyToTell.
        """
        occasion = occasion or (self._occasion(wave, kind) if kind == "invitation" else f"reminder.{name}")
        connection = await unit.connection()
        m = wave_messages.c
        same = (m.wave == wave.id, m.occasion == occasion, m.channel == channel)
        told = {row.site for row in await connection.execute(select(m.site).where(*same, m.state.in_(TOLD)))}
        new: list[dict[str, Any]] = []
        for place, row in enumerate(rows):
            lot = lot_of(row, causes, channel, told)
            if lot in ("told", "not_meant"):
                continue
            state = {"email": "queued", "sms": "sent"}[channel] if lot == "send" else "skipped"
            new.append(
                {
                    "wave": wave.id,
                    "site": row.site.id,
                    "occasion": occasion,
                    "channel": channel,
                    "sending": name,
                    "place": place,
                    "state": state,
                    "tries": 0,
                    "address": None,
                    "error": None if lot == "send" else "no_address",
                    "detail": None,
                    "due_at": unit.now,
                    "at": unit.now,
                }
            )
        for_whom = len([one for one in new if one["state"] != "skipped"])
        if for_whom == 0:
            raise NobodyToTell
        ids = [one["site"] for one in new]
        for start in range(0, len(ids), BATCH):
            # Those that failed or had no address then are begun anew.
            await connection.execute(
                delete(wave_messages).where(*same, m.site.in_(ids[start : start + BATCH]))
            )
            await connection.execute(insert(wave_messages), new[start : start + BATCH])
        await connection.execute(
            insert(wave_sendings).values(
                id=name,
                wave=wave.id,
                kind=kind,
                channel=channel,
                occasion=occasion,
                subject=words.subject,
                body=words.body,
                link=words.link,
                days=words.days,
                causes=list(causes),
                base=words.base,
                hotline=words.hotline,
                per_minute=per_minute,
                state="running" if channel == "email" else "done",
                error=None,
                created_at=unit.now,
                created_by=actor,
            )
        )
        data: JsonObject = {
            "sending": name,
            "wave": wave.id,
            "kind": kind,
            "channel": channel,
            "sites": for_whom,
        }
        unit.append(STREAM, "wave_sending_started", data, actor=actor)
        return for_whom

    async def sms(
        self,
        actor: Actor,
        wave: str,
        kind: Kind,
        words: Words,
        form: export.Format,
        *,
        causes: Sequence[Cause] = (),
        without_marks: bool = True,
        again: bool = False,
    ) -> bytes:
        """A file for whoever sends text messages: number, text, parts. Who is in it counts as told; `again`
        brings those of earlier files as well (with codes: new ones, the earlier are good no more).

        Codes are good once the file is whole. Raises as `start`.
        """
        found = await self._waves.see(actor, wave)
        self._waves.may(actor, found)
        template = words.template()
        rows = await self._rows(found)
        self._may_link(actor, words, rows)
        occasion = self._occasion(found, kind) if kind == "invitation" else None
        told: Collection[str] = ()
        if occasion is not None and not again:
            told = await self._told(found.id, occasion, "sms")
        chosen = [row for row in rows if lot_of(row, causes, "sms", told) == "send"]
        if not chosen:
            raise NobodyToTell
        linked = [row.site.id for row in chosen if words.link and row.facts.activated_at is None]
        drawn = {one.site: one for one in self._access.draw_codes(linked, ttl=words.ttl)}
        texts = []
        for row in chosen:
            code = drawn.get(row.site.id)
            text = render(
                template, values_of(found, row.site, words, None if code is None else code.code)
            ).body
            texts.append((row, addresses_of(row, "sms")[0], text))
        content = await anyio.to_thread.run_sync(export.sms_file, texts, form, without_marks)
        if drawn:
            await self._sites.store_codes(actor, list(drawn.values()))
        name = self._make_id("sending")

        async def work(unit: UnitOfWork) -> JsonObject:
            ids = [row.site.id for row in chosen]
            if occasion is not None:
                m = wave_messages.c
                connection = await unit.connection()
                for start in range(0, len(ids), BATCH):
                    batch = ids[start : start + BATCH]
                    await connection.execute(
                        delete(wave_messages).where(
                            m.wave == wave, m.occasion == occasion, m.channel == "sms", m.site.in_(batch)
                        )
                    )
            await self.begin(unit, name, found, kind, words, rows, tuple(causes), 0, actor.key, "sms")
            return {}

        await self._store.write(work, streams=[STREAM])
        return content

    # Going on.

    async def stop(self, actor: Actor, sending: str) -> Sending:
        """No further letter of it; the one that is under way is. Raises SendingNotFound, Forbidden."""
        return await self._set(actor, sending, "stopped", only="running")

    async def resume(self, actor: Actor, sending: str) -> Sending:
        """Goes on with what is left. Raises SendingNotFound, Forbidden, WrongState."""
        return await self._set(actor, sending, "running", only="stopped")

    async def retry(self, actor: Actor, sending: str, *, uncertain: bool = False) -> Sending:
        """Letters that failed are tried again; `uncertain`: those too of which nobody knows, who may get it
        twice. Raises SendingNotFound, Forbidden, NobodyToTell."""
        states = ("failed", "uncertain") if uncertain else ("failed",)
        found = await self._sending(actor, sending)
        if not sum(found.counts.get(state, 0) for state in states):
            raise NobodyToTell
        return await self._set(actor, sending, "running", again=states)

    async def _set(
        self, actor: Actor, sending: str, state: str, *, only: str | None = None, again: Sequence[str] = ()
    ) -> Sending:
        found = await self._sending(actor, sending)
        self._waves.may(actor, await self._waves.get(found.wave))
        if found.channel != "email" or (only is not None and found.state != only):
            raise WrongState(None, state=found.state)

        async def work(unit: UnitOfWork) -> JsonObject:
            unit.on_commit(lambda: self.begun())
            connection = await unit.connection()
            m = wave_messages.c
            if again:
                change = update(wave_messages).where(m.sending == sending, m.state.in_(again))
                await connection.execute(
                    change.values(
                        state="queued", tries=0, due_at=unit.now, at=unit.now, error=None, detail=None
                    )
                )
            change = update(wave_sendings).where(wave_sendings.c.id == sending)
            await connection.execute(change.values(state=state, error=None))
            data = {"sending": sending, "wave": found.wave, "state": state}
            unit.append(STREAM, "wave_sending_set", data, actor=actor.key)
            return {}

        await self._store.write(work, streams=[STREAM])
        return await self._one(sending)

    def _may_link(self, actor: Actor, words: Words, rows: Sequence[Row]) -> None:
        if words.link and rows:
            self._access.authorise(actor, "code.issue", *{row.site.unit for row in rows})
