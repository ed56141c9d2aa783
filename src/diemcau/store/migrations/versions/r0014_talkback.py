"""Talkbacks that took place."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table."""
    op.create_table(
        "talkbacks",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("meeting", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("person_name", sa.Text, nullable=False),
        sa.Column("person_title", sa.Text),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger),
        sa.Column("why", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_talkbacks"),
    )
    op.create_index("ix_talkbacks_meeting_since", "talkbacks", ["meeting", "since"])
    op.create_index("ix_talkbacks_until", "talkbacks", ["until"])
