"""What brings letters to a mail server: a small Protocol, and SMTP by aiosmtplib.

What became of a letter is one of four. Before the server was given the text, a lost connection means that it
was not taken; after it had the text and before its answer nobody can know: `uncertain`, and it is for people
to say whether it goes again. A letter has the same Message-ID every time, by which many servers drop a second
one.
"""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from email.utils import format_datetime
from pathlib import Path
from typing import Final, Literal, Protocol

import aiosmtplib
from aiosmtplib import SMTP

from diemcau.errors import DiemCauError

TOGETHER: Final = 50
"""Letters by one connection; many servers end those that go on for longer."""

Result = Literal["accepted", "later", "refused", "uncertain"]
Security = Literal["tls", "starttls", "none"]


@dataclass(frozen=True, slots=True)
class Letter:
    """`to`: addresses whose form was checked. `message_id`: without its brackets."""

    to: tuple[str, ...]
    subject: str
    body: str
    message_id: str
    date: datetime


@dataclass(frozen=True, slots=True)
class Outcome:
    """`code`: "smtp_550", "smtp_disconnected". `detail`: the server's words, for people."""

    result: Result
    code: str = ""
    detail: str = ""


class MailerDown(DiemCauError):
    """No letter can be sent now, whichever it is. Details: `reason`."""

    code = "mailer_down"
    status = 503
    default = "The mail server does not take letters."

    def __init__(self, reason: str, message: str | None = None) -> None:
        super().__init__(message, reason=reason)
        self.reason = reason


class Mailer(Protocol):
    """Sends letters, one at a time."""

    @property
    def configured(self) -> bool:
        """Whether there is a mail server at all."""
        ...

    async def send(self, letter: Letter) -> Outcome:
        """What became of it. Raises MailerDown: nothing of it was given away."""
        ...

    async def rest(self) -> None:
        """Nothing more for now: connections are closed."""
        ...


class NoMailer:
    """An installation without a mail server."""

    configured = False

    async def send(self, letter: Letter) -> Outcome:
        """Raises MailerDown."""
        raise MailerDown("mail_not_set")

    async def rest(self) -> None:
        """There is nothing to close."""


@dataclass(frozen=True, slots=True)
class SmtpOptions:
    """`sender`: the address in From. `ca_file`: authority of a server whose certificate is the
    house's own."""

    host: str
    port: int
    sender: str
    security: Security = "starttls"
    username: str = ""
    password: str = ""
    sender_name: str = ""
    reply_to: str = ""
    timeout_s: float = 30.0
    ca_file: Path | None = None

    def __repr__(self) -> str:
        return f"SmtpOptions({self.host}:{self.port}, {self.security})"  # a password must reach no log


class SmtpMailer:
    """See the module. One connection at a time, used for `TOGETHER` letters."""

    configured = True

    def __init__(self, options: SmtpOptions) -> None:
        self._options = options
        self._client: SMTP | None = None
        self._sent = 0

    async def send(self, letter: Letter) -> Outcome:
        """See `Mailer`."""
        client = await self._connected()
        try:
            await client.mail(self._options.sender)
            refused = await self._recipients(client, letter.to)
        except aiosmtplib.SMTPSenderRefused as error:
            await self._drop()
            reason = "smtp_busy" if 400 <= error.code < 500 else "smtp_sender"
            raise MailerDown(reason, _words(error.message)) from None
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, OSError):
            await self._drop()
            return Outcome("later", "smtp_disconnected")
        if refused is not None and len(refused.lost) == len(letter.to):
            if refused.closing:
                await self._drop()
            else:
                await self._reset(client)
            return Outcome(refused.result, f"smtp_{refused.code}", refused.words)
        try:
            await client.data(_message(letter, self._options).as_bytes(policy=POLICY))
        except aiosmtplib.SMTPDataError as error:
            if error.code == 421:
                await self._drop()
            result: Result = "later" if 400 <= error.code < 500 else "refused"
            return Outcome(result, f"smtp_{error.code}", _words(error.message))
        except (aiosmtplib.SMTPException, OSError):
            await self._drop()
            return Outcome("uncertain", "smtp_disconnected")
        except asyncio.CancelledError:
            client.close()
            self._client = None
            raise
        self._sent += 1
        if self._sent >= TOGETHER:
            await self.rest()
        if refused is not None:
            return Outcome("accepted", f"smtp_{refused.code}", refused.words)
        return Outcome("accepted")

    async def rest(self) -> None:
        """Says good-bye, so that the server need not wait for us."""
        client, self._client, self._sent = self._client, None, 0
        if client is not None:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=5)
            client.close()

    async def _connected(self) -> SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        options = self._options
        try:
            client = SMTP(
                hostname=options.host,
                port=options.port,
                timeout=options.timeout_s,
                use_tls=options.security == "tls",
                start_tls=options.security == "starttls",
                tls_context=ssl.create_default_context(cafile=options.ca_file)
                if options.security != "none"
                else None,
                username=options.username or None,
                password=options.password or None,
            )
            await client.connect()
        except aiosmtplib.SMTPAuthenticationError as error:
            raise MailerDown("smtp_auth", _words(error.message)) from None
        except ssl.SSLError as error:
            raise MailerDown("smtp_tls", _words(str(error))) from None
        except aiosmtplib.SMTPException as error:
            tls = isinstance(error.__cause__, ssl.SSLError) or "STARTTLS" in str(error)
            raise MailerDown("smtp_tls" if tls else "smtp_unreachable", _words(str(error))) from None
        except OSError as error:
            raise MailerDown("smtp_unreachable", _words(str(error))) from None
        self._client, self._sent = client, 0
        return client

    async def _recipients(self, client: SMTP, to: tuple[str, ...]) -> "_Refused | None":
        """Names those who are to get it; what the server said of those whom it does not take."""
        errors: list[aiosmtplib.SMTPRecipientRefused] = []
        for address in to:
            try:
                await client.rcpt(address)
            except aiosmtplib.SMTPRecipientRefused as error:
                errors.append(error)
                if error.code == 421:
                    break
        return _Refused(errors) if errors else None

    async def _reset(self, client: SMTP) -> None:
        try:
            await client.rset()
        except (aiosmtplib.SMTPException, OSError):
            await self._drop()

    async def _drop(self) -> None:
        client, self._client, self._sent = self._client, None, 0
        if client is not None:
            client.close()


class _Refused:
    """Recipients whom the server did not take. A letter may go later while one of them may."""

    def __init__(self, errors: list[aiosmtplib.SMTPRecipientRefused]) -> None:
        later = [error for error in errors if 400 <= error.code < 500]
        said = (later or errors)[0]
        self.lost = errors
        self.result: Result = "later" if later else "refused"
        self.code, self.words = said.code, _words(said.message)
        self.closing = any(error.code == 421 for error in errors)


def _message(letter: Letter, options: SmtpOptions) -> EmailMessage:
    """The letter as text alone. The library refuses a line end in a header."""
    from email.headerregistry import Address

    message = EmailMessage(policy=POLICY)
    message["From"] = Address(options.sender_name, addr_spec=options.sender)
    message["To"] = [Address(addr_spec=address) for address in letter.to]
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(letter.date)
    message["Message-ID"] = f"<{letter.message_id}@{options.sender.rpartition('@')[2]}>"
    if options.reply_to:
        message["Reply-To"] = Address(addr_spec=options.reply_to)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer of an absent clerk's
    message.set_content(letter.body + "\n", charset="utf-8", cte="quoted-printable")
    return message


def _words(text: str) -> str:
    return "".join(c for c in " ".join(text.split()) if c.isprintable())[:300]
