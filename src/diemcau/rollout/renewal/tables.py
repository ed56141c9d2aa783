"""Tables of renewals."""

from typing import Final

from sqlalchemy import JSON, Column, Table, Text

from diemcau.store import Instant, metadata

unit_eras: Final = Table(
    "unit_eras",
    metadata,
    Column("dataset", Text, primary_key=True),
    Column("since", Instant, nullable=False),
)
"""Which dataset the codes in this database are of, since when: the last is of now, the first reaches back to
the beginning whatever its `since`."""

renewal_moves: Final = Table(
    "renewal_moves",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("before", Text, primary_key=True),
    Column("after", JSON, nullable=False),
    Column("label", Text, nullable=False),
)
"""What the last renewal moved, for the way back. `kind`: site or grant; `id`: the site's or person's; `role`,
`label`: the grant's role and the site's earlier label, else empty. `after`: units, one of a site."""
