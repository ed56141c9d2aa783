"""Passwords that somebody else gave: they only let their holder choose another."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the mark to people; who is there has a password of his own."""
    op.add_column("people", sa.Column("temporary", sa.Boolean, nullable=False, server_default=sa.false()))
