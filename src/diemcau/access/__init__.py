"""People, grants over subtrees, credentials, the one permission table. See docs/access.md."""

from diemcau.access.actor import SYSTEM, Actor, Grant, Role, site_actor
from diemcau.access.permissions import PERMISSIONS, SITE_COMMANDS, allowed, authorise, units_granted
from diemcau.access.service import Access, Activation, IssuedCode, Person, Session, load_secret

__all__ = [
    "PERMISSIONS",
    "SITE_COMMANDS",
    "SYSTEM",
    "Access",
    "Activation",
    "Actor",
    "Grant",
    "IssuedCode",
    "Person",
    "Role",
    "Session",
    "allowed",
    "authorise",
    "load_secret",
    "site_actor",
    "units_granted",
]
