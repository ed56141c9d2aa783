"""People, grants over subtrees, credentials, the one permission table. See docs/access.md."""

from diemcau.access.actor import SYSTEM, Actor, Grant, Role, site_actor
from diemcau.access.codes import IssuedCode
from diemcau.access.delegation import PersonPage, PersonSeen
from diemcau.access.devices import LOOK_S, Activation, DeviceEnded, DeviceSession, Proof
from diemcau.access.limits import Lockout, RateLimiter, network_of
from diemcau.access.lines import DeviceConflict, DeviceLine
from diemcau.access.passwords import Passwords
from diemcau.access.people import Person, PersonNotFound, Session
from diemcau.access.permissions import (
    PERMISSIONS,
    SITE_COMMANDS,
    allowed,
    authorise,
    commands_of,
    may_give,
    units_granted,
)
from diemcau.access.proofs import BadProof, DeviceKey, Purpose
from diemcau.access.secrecy import MARKS, Clearance, Secrecy, SecrecyRefused, covered, covers
from diemcau.access.secrets import load_secret
from diemcau.access.service import Access
from diemcau.access.tokens import IssuedToken, Token, TokenKind, TokenNotFound
from diemcau.access.turn import IceServer, IceServers, link_headers

__all__ = [
    "LOOK_S",
    "MARKS",
    "PERMISSIONS",
    "SITE_COMMANDS",
    "SYSTEM",
    "Access",
    "Activation",
    "Actor",
    "BadProof",
    "Clearance",
    "DeviceConflict",
    "DeviceEnded",
    "DeviceKey",
    "DeviceLine",
    "DeviceSession",
    "Grant",
    "IceServer",
    "IceServers",
    "IssuedCode",
    "IssuedToken",
    "Lockout",
    "Passwords",
    "Person",
    "PersonNotFound",
    "PersonPage",
    "PersonSeen",
    "Proof",
    "Purpose",
    "RateLimiter",
    "Role",
    "Secrecy",
    "SecrecyRefused",
    "Session",
    "Token",
    "TokenKind",
    "TokenNotFound",
    "allowed",
    "authorise",
    "commands_of",
    "covered",
    "covers",
    "link_headers",
    "load_secret",
    "may_give",
    "network_of",
    "site_actor",
    "units_granted",
]
