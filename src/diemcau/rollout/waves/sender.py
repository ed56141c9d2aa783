"""`Sender`: gives letters to the mail server one after the other, at the pace that was asked for, and begins
planned reminders when their time has come. One task; what it knows is in the rows."""

import asyncio
import contextlib
import hashlib
from typing import Final

import structlog

from diemcau.access import Access, Actor, IssuedCode
from diemcau.clock import Clock
from diemcau.errors import DiemCauError
from diemcau.rollout.readiness import Readiness
from diemcau.rollout.waves.audience import addresses_of, meant
from diemcau.rollout.waves.letter import values_of
from diemcau.rollout.waves.mailer import Letter, Mailer, MailerDown, Outcome
from diemcau.rollout.waves.queue import Claimed, Queue
from diemcau.rollout.waves.reminders import Reminders
from diemcau.rollout.waves.service import Waves
from diemcau.rollout.waves.template import render
from diemcau.rollout.waves.wave import WaveNotFound
from diemcau.sites import Sites
from diemcau.store import Store

IDLE_S: Final = 30.0
"""Seconds between two looks at the clock while nothing is to be sent."""

DOWN_S: Final = (5.0, 15.0, 60.0, 180.0, 300.0)
"""Seconds before the mail server is asked again that does not answer."""

REFUSALS: Final = 10
"""Letters in a row that are refused for good stop a sending: it is rather the sender whom the server does not
like than ten addresses."""

LAST_S: Final = 15.0
"""Seconds that the letter under way has at the end."""

log = structlog.get_logger(__name__)


class Sender:
    """See the module. `start` and `aclose`, or `step` by hand."""

    def __init__(
        self,
        store: Store,
        access: Access,
        sites: Sites,
        readiness: Readiness,
        waves: Waves,
        reminders: Reminders,
        mailer: Mailer,
        clock: Clock,
    ) -> None:
        self._access, self._sites, self._readiness = access, sites, readiness
        self._waves, self._reminders, self._mailer, self._clock = waves, reminders, mailer, clock
        self._queue = Queue(store, clock)
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = self._doubt = False
        self._next_at = 0.0
        self._down = 0
        self._refused: dict[str, int] = {}

    async def start(self) -> None:
        """Says of letters that were under way when the server ended that nobody knows, and goes on."""
        if doubtful := await self._queue.recover():
            log.warning("letters were under way when the server ended", uncertain=doubtful)
        self._task = asyncio.create_task(self._run(), name="waves-sender")

    async def aclose(self) -> None:
        """Lets the letter under way be answered, then ends."""
        self._closing = True
        self.wake()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=LAST_S)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._mailer.rest()

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    async def _run(self) -> None:
        while not self._closing:
            self._wake.clear()
            try:
                wait = await self.step()
            except Exception:
                log.exception("letters of waves are not sent")
                self._doubt = True
                wait = IDLE_S
            if wait > 0 and not self._closing:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._wake.wait()

    async def step(self) -> float:
        """One letter at most; answers the seconds until there may be something to do again."""
        if self._doubt:  # what a failure left behind: nothing else is under way
            await self._queue.recover()
            self._doubt = False
        await self._reminders.tick()
        found = await self._queue.look()
        if found is None:
            await self._mailer.rest()
            return IDLE_S
        sending, due = found
        until = (due - self._clock.now()).total_seconds()
        if until > 0:
            await self._mailer.rest()
            return min(until, IDLE_S)
        pace = self._next_at - asyncio.get_running_loop().time()
        if pace > 0:
            return pace
        claimed = await self._queue.claim(sending)
        if claimed is not None:
            await self._send(claimed)
        return 0.0

    async def _send(self, claimed: Claimed) -> None:
        sending = claimed.sending
        actor = await self._access.actor_of(sending.created_by)
        made = await self._compose(claimed, actor)
        if made is None:
            return
        letter, code = made
        try:
            outcome = await self._mailer.send(letter)
        except MailerDown as error:
            log.warning("the mail server takes no letters", reason=error.reason, sending=sending.id)
            await self._queue.put_back(claimed, error.reason)
            self._later(DOWN_S[min(self._down, len(DOWN_S) - 1)])
            self._down += 1
            return
        if self._down or sending.error is not None:
            self._down = 0
            await self._queue.say(sending.id, None)
        self._later(60.0 / sending.per_minute)
        if outcome.result == "accepted" and code is not None and actor is not None:
            # A sheet's code is replaced once the letter is away, and by no letter that came back.
            try:
                await self._sites.store_codes(actor, [code])
            except DiemCauError as error:
                outcome = Outcome("uncertain", "code_not_stored", error.code)
        state = await self._queue.settle(claimed, outcome, ", ".join(letter.to))
        refused = self._refused.get(sending.id, 0) + 1 if state == "failed" else 0
        self._refused[sending.id] = refused
        if refused >= REFUSALS:
            self._refused.pop(sending.id)
            await self._queue.say(sending.id, "many_refused", stop=True)

    async def _compose(
        self, claimed: Claimed, actor: Actor | None
    ) -> tuple[Letter, IssuedCode | None] | None:
        """The letter as things are now, and the code in it; None when there is none to send."""
        sending, site = claimed.sending, claimed.site
        try:
            wave = await self._waves.get(sending.wave)
        except WaveNotFound:
            await self._queue.skip(claimed, "moved")
            return None
        if (await self._waves.wave_of([site])).get(site) != wave.id:
            await self._queue.skip(claimed, "moved")
            return None
        if sending.kind == "invitation" and sending.occasion != f"invitation.{wave.revision}":
            await self._queue.skip(claimed, "day_changed")
            return None
        rows = await self._readiness.of_sites([site])
        row = rows.get(site)
        if row is None or not meant(row, sending.causes):
            await self._queue.skip(claimed, "not_meant")
            return None
        commands = ("wave.plan", "code.issue") if sending.words.link else ("wave.plan",)
        unit = row.site.unit
        if actor is None or not all(self._access.allowed(actor, command, unit) for command in commands):
            # Who began it may not any more; nobody else did.
            await self._queue.put_back(claimed, None)
            await self._queue.say(sending.id, "forbidden", stop=True)
            return None
        to = addresses_of(row, "email")
        if not to:
            await self._queue.skip(claimed, "no_address")
            return None
        code = None
        if sending.words.link and row.facts.activated_at is None:
            (code,) = self._access.draw_codes([site], ttl=sending.words.ttl)
        values = values_of(wave, row.site, sending.words, None if code is None else code.code)
        text = render(sending.words.template(), values)
        key = f"{sending.wave}/{site}/{sending.occasion}/{sending.channel}".encode()
        name = f"dc.{hashlib.blake2b(key, digest_size=16).hexdigest()}"
        return Letter(to, text.subject, text.body, name, self._clock.now()), code

    def _later(self, seconds: float) -> None:
        self._next_at = asyncio.get_running_loop().time() + seconds
