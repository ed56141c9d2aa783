"""SDP fragments of trickle ICE (RFC 8840 §9), read as hostile text, and the entity-tag of an ICE session."""

import hashlib
import re
from typing import Final

from diemcau.errors import BadRequest

MAX_FRAGMENT: Final = 16 << 10
MAX_LINES: Final = 300

_UFRAG: Final = re.compile(r"[A-Za-z0-9+/\-_]{4,256}")
_PWD: Final = re.compile(r"[A-Za-z0-9+/\-_]{22,256}")
_WORD: Final = r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+"
_MEDIA: Final = re.compile(rf"{_WORD} \d{{1,5}} \S+( \S+)*")
_MID: Final = re.compile(_WORD)
_CANDIDATE: Final = re.compile(r"\S{1,64} \d{1,3} \S{1,32} \d{1,10} \S{1,255} \d{1,5} typ \S{1,32}( .*)?")


def ufrag_of(fragment: str) -> str:
    """The one ufrag of a well-formed fragment; its candidates are read and let go of.

    The node is ICE-lite: it learns where its peer is from the peer's checks (RFC 8445 §6.1.1), so candidates
    say nothing new to it. Raises BadRequest.
    """
    found: set[str] = set()
    password = False
    lines = fragment.splitlines()
    if len(lines) > MAX_LINES:
        raise BadRequest(f"a fragment has at most {MAX_LINES} lines", field="fragment")
    for number, line in enumerate(lines, 1):
        kind, separator, value = line.partition("=")
        name, _, rest = value.partition(":")
        if kind == "m":
            good = _MEDIA.fullmatch(value) is not None
        elif kind != "a" or not separator:
            good = False
        elif name == "ice-ufrag":
            good = _UFRAG.fullmatch(rest) is not None
            found.add(rest)
        elif name == "ice-pwd":
            good = password = _PWD.fullmatch(rest) is not None
        elif name == "candidate":
            good = _CANDIDATE.fullmatch(rest) is not None
        elif name == "mid":
            good = _MID.fullmatch(rest) is not None
        else:
            # end-of-candidates, ice-options, ice-pacing, group, and what later documents add
            good = _MID.fullmatch(name) is not None
        if not good:
            raise BadRequest(f"line {number} is not one of an SDP fragment", field="fragment")
    if len(found) != 1 or not password:
        raise BadRequest("a fragment names one ice-ufrag and its ice-pwd", field="fragment")
    return found.pop()


def ufrag_of_offer(offer: str) -> str:
    """The ufrag of an offer that the node has taken ("" when none is found: nothing then matches)."""
    for line in offer.splitlines():
        if line.startswith("a=ice-ufrag:"):
            return line.removeprefix("a=ice-ufrag:").strip()
    return ""


def entity_tag(session: str, ufrag: str) -> str:
    """The strong entity-tag of the session's one ICE session, of its name and the client's ufrag.

    It is computed again from what a PATCH says instead of kept, so it stands when this server starts anew.
    """
    digest = hashlib.sha256(f"{session}\n{ufrag}".encode(errors="surrogatepass")).hexdigest()
    return f'"{digest[:24]}"'
