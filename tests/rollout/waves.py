"""Rooms of waves over a store, a mail server on this machine, and one that is only a list."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from diemcau.access import SYSTEM, Access
from diemcau.bus import LocalBus
from diemcau.clock import ManualClock
from diemcau.rollout.readiness import Readiness
from diemcau.rollout.waves import Mailer, SmtpMailer, SmtpOptions, WaveRooms, Words, clock_of, day_of
from diemcau.rollout.waves.planning import Wish
from diemcau.rollout.waves.template import DEFAULTS
from diemcau.sites import NewSite, Sites
from diemcau.store import Store
from diemcau.units import Units

BASE = "https://cau.example"
TODAY = "2021-09-05"
"""The day of `ManualClock`, 08:30 in Hà Nội."""


def words(kind: str = "invitation", **changes: Any) -> Words:
    text = DEFAULTS["vi"][kind]
    return Words(
        **{"subject": text.subject, "body": text.body, "base": BASE, "hotline": "1900 1234", **changes}
    )


def wish(name: str = "Đợt", day: str = TODAY, **changes: Any) -> Wish:
    return Wish(name, day_of(day), clock_of("07:30", "start"), clock_of("11:30", "end"), **changes)


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """What another task or process does soon."""
    async with asyncio.timeout(10):
        while not await check():  # noqa: ASYNC110 - rows have no event
            await asyncio.sleep(0.01)


@dataclass
class House:
    """`mail`: the addresses' sites are s_0, s_1, ... of communes of Bình Phước."""

    rooms: WaveRooms
    store: Store
    access: Access
    sites: Sites
    readiness: Readiness
    clock: ManualClock

    async def people(self, count: int, *, without: int = 0) -> list[str]:
        """So many sites with an address each, and some without."""
        codes = [unit.code for unit in Units.load("2021-09").subtree("70")][: count + without]
        new = [
            NewSite(
                code, f"Điểm cầu {n}", id=f"s_{n}", phones=(f"0912 345 {n:03}",),
                emails=(f"post{n}@example.com",) if n < count else (),
            )
            for n, code in enumerate(codes)
        ]  # fmt: skip
        await self.sites.create(SYSTEM, new)
        self.readiness._all_dirty = True  # nobody listens to the bus here
        return [site.id or "" for site in new]

    async def wave(self, **changes: Any) -> str:
        (made,) = await self.rooms.waves.plan(SYSTEM, wish(**changes))
        return made.id

    async def invite(
        self, wave: str, *, per_minute: int = 6000, request: str = "request-1", **more: Any
    ) -> str:
        started = await self.rooms.messages.start(
            SYSTEM, wave, "invitation", words(**more), per_minute=per_minute, request=request
        )
        return started.id

    async def states(self, wave: str) -> dict[str, int]:
        """Of the latest sending."""
        latest = (await self.rooms.messages.sendings(SYSTEM, wave))[0]
        return {state: number for state, number in latest.counts.items() if number}

    async def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Sends until nothing is due."""
        async with asyncio.timeout(20):
            while not until():
                wait = await self.rooms.sender.step()
                if wait >= 1:
                    return
                await asyncio.sleep(wait)  # the pace

    def reopened(self, mailer: Mailer) -> "House":
        """The same database after a restart, with another way to the mail server."""
        return house_over(self.store, Units.load("2021-09"), self.access, self.sites, self.clock, mailer)


def house_over(
    store: Store, units: Units, access: Access, sites: Sites, clock: ManualClock, mailer: Mailer
) -> House:
    readiness = Readiness(store, LocalBus(), units, access, sites, clock)
    rooms = WaveRooms.make(store, units, access, sites, readiness, mailer, clock)
    return House(rooms, store, access, sites, readiness, clock)


@dataclass
class Server:
    """A real mail server. `answers`: what it says to a recipient or to the text, by address, in turn."""

    port: int = 0
    got: list[EmailMessage] = field(default_factory=list)
    to: list[str] = field(default_factory=list)
    rcpt: dict[str, list[str]] = field(default_factory=dict)
    data: dict[str, list[str]] = field(default_factory=dict)
    sender: list[str] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)
    """Addresses at whose text the connection is cut, once."""
    connections: int = 0
    authenticated: list[str] = field(default_factory=list)
    before_answer: asyncio.Event | None = None
    """Until it is set the text is taken (`taken`), and the answer waits."""
    taken: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.sender:
            return self.sender.pop(0)
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.rcpt.get(address):
            return self.rcpt[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        address = envelope.rcpt_tos[0]
        if address in self.cut:
            self.cut.discard(address)
            assert server.transport is not None
            server.transport.abort()
            return "250 never heard"
        if self.data.get(address):
            return self.data[address].pop(0)
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.got.append(message)
        self.to += envelope.rcpt_tos
        if self.before_answer is not None:
            self.taken.set()
            await self.before_answer.wait()
        return "250 OK"

    def options(self, **changes: Any) -> SmtpOptions:
        return SmtpOptions(
            **{
                "host": "127.0.0.1", "port": self.port, "sender": "cau@example.gov.vn", "security": "none",
                "sender_name": "Điểm Cầu", "timeout_s": 5.0, **changes,
            }
        )  # fmt: skip

    def mailer(self, **changes: Any) -> SmtpMailer:
        return SmtpMailer(self.options(**changes))


@asynccontextmanager
async def mail_server(
    *, tls: ssl.SSLContext | None = None, implicit: bool = False, password: str | None = None
) -> AsyncIterator[Server]:
    """On a free port of this machine."""
    made = Server()

    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = password is not None and data.password == password.encode()
        if good:
            made.authenticated.append(data.login.decode())
        return AuthResult(success=good, handled=False)

    def protocol() -> SMTP:
        made.connections += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it does not see that the socket itself is TLS
            return server_protocol()

    def server_protocol() -> SMTP:
        return SMTP(
            made,
            hostname="mail.example.com",
            tls_context=None if implicit else tls,
            require_starttls=tls is not None and not implicit,
            authenticator=check if password is not None else None,
            auth_required=password is not None,
            auth_require_tls=tls is not None and not implicit,
            loop=asyncio.get_running_loop(),
        )

    server = await asyncio.get_running_loop().create_server(
        protocol, "127.0.0.1", 0, ssl=tls if implicit else None
    )
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
