"""STUN and TURN servers as `Link` headers (RFC 9725 §4.6)."""

from collections.abc import Iterable
from dataclasses import dataclass

from diemcau.api.services import Services


@dataclass(frozen=True, slots=True)
class IceServer:
    """One address as RFC 7064 and 7065 write it: "turn:host:3478?transport=udp". STUN has no credential."""

    url: str
    username: str | None = None
    credential: str | None = None


def ice_servers(services: Services, asker: str) -> tuple[IceServer, ...]:
    """The servers for who asks by this token's id: none, until this server knows a TURN server."""
    return ()


def link_headers(servers: Iterable[IceServer]) -> list[str]:
    """A `Link` value for each; one that could break out of its header is left out."""
    return [_link(server) for server in servers if _is_plain(server)]


def _link(server: IceServer) -> str:
    parts = [f"<{server.url}>", 'rel="ice-server"']
    if server.username is not None and server.credential is not None:
        parts += [f"username={_quoted(server.username)}", f"credential={_quoted(server.credential)}"]
        parts.append('credential-type="password"')
    return "; ".join(parts)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _is_plain(server: IceServer) -> bool:
    url = server.url
    words = (url, server.username or "", server.credential or "")
    return (
        url.startswith(("stun:", "stuns:", "turn:", "turns:"))
        and not any(character in '<>"\\ ' for character in url)
        and all(word.isascii() and word.isprintable() for word in words)
    )
