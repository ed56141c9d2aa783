"""Tables of people and credentials. Secrets are stored only as hashes."""

from typing import Final

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, LargeBinary, Table, Text, false

from diemcau.store import Instant, metadata

people: Final = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    Column("username", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("title", Text),
    Column("password", Text, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("temporary", Boolean, nullable=False, server_default=false()),
    Column("created_at", Instant, nullable=False),
)
"""`password`: argon2id in PHC form. `username`: folded to lower case. `temporary`: the password is one that
somebody else gave, good for nothing but choosing another."""

grants: Final = Table(
    "grants",
    metadata,
    Column("person", Text, ForeignKey("people.id"), primary_key=True),
    Column("role", Text, primary_key=True),
    Column("unit", Text, primary_key=True),
)

sessions: Final = Table(
    "sessions",
    metadata,
    Column("token", LargeBinary, primary_key=True),
    Column("person", Text, ForeignKey("people.id"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index(None, "person"),
    Index(None, "expires_at"),
)
"""`token`: SHA-256 of it. A session that ended has no row."""

codes: Final = Table(
    "activation_codes",
    metadata,
    Column("code", LargeBinary, primary_key=True),
    Column("site", Text, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("revoked_at", Instant),
    Index(None, "site"),
)
"""`code`: HMAC-SHA-256 of it under the installation's secret."""

devices: Final = Table(
    "devices",
    metadata,
    Column("credential", LargeBinary, primary_key=True),
    Column("site", Text, nullable=False),
    Column("bound_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("public_key", LargeBinary),
    Column("conflict_at", Instant),
    Index(None, "site"),
)
"""At most one row of a site has no `ended_at`. A browser's device has a `public_key` (a point of P-256, 65
bytes) and as `credential` the key's id; a program's bearer has none, and its SHA-256. `conflict_at`: when two
machines last held the key."""

tokens: Final = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("secret", LargeBinary, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("units", JSON, nullable=False),
    Column("issued_by", Text, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Index(None, "target"),
)
"""`secret`: SHA-256 of it. `target`: a site or a meeting by `kind`; `units`: what a grant must cover to
issue, list or revoke it."""

clearances: Final = Table(
    "clearances",
    metadata,
    Column("party", Text, primary_key=True),
    Column("level", Text, nullable=False),
    Column("until", Instant),
    Column("by", Text, nullable=False),
    Column("at", Instant, nullable=False),
)
"""`party`: "site:<id>" or "person:<id>". A clearance that was taken away has the level "none"."""
