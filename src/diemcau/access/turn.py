"""ICE servers for a party: TURN relays with credentials that expire, as coturn's `use-auth-secret` has them.

The user name is the Unix time of the expiry, a colon and the party; the password is the HMAC-SHA1 of the user
name under a secret that this server and the relay share, in base64 (draft-uberti-behave-turn-rest-00 §2.2).
Nothing is stored, and who has one can relay until it expires, so it is given only to those who have proved
who they are.
"""

import base64
import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class IceServer:
    """One entry of `RTCConfiguration.iceServers`. `urls`: `turn:` and `turns:` (RFC 7065)."""

    urls: tuple[str, ...]
    username: str
    credential: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class IceServers:
    """The installation's relays; without `urls` there are none. `secret`: coturn's `static-auth-secret`.

    `lifetime`: of a credential. coturn asks for it when a relay is allocated, not while it is used.
    """

    urls: tuple[str, ...] = ()
    secret: bytes = field(default=b"", repr=False)
    lifetime: timedelta = timedelta(hours=1)

    def for_party(self, party: str, now: datetime) -> tuple[IceServer, ...]:
        """What a party (an actor's id: no colon) may use for `lifetime` from `now`; empty without `urls`."""
        if not self.urls:
            return ()
        username = f"{int((now + self.lifetime).timestamp())}:{party}"
        digest = hmac.digest(self.secret, username.encode(), "sha1")
        return (IceServer(self.urls, username, base64.b64encode(digest).decode()),)


def link_headers(servers: Iterable[IceServer]) -> tuple[str, ...]:
    """The same as values of the HTTP header `Link`, one for each address (RFC 9725 §4.6, WHIP and WHEP)."""
    return tuple(
        f'<{url}>; rel="ice-server"; username="{server.username}"; '
        f'credential="{server.credential}"; credential-type="password"'
        for server in servers
        for url in server.urls
    )
