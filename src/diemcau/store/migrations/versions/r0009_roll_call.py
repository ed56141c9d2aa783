"""Roll calls of meetings: what is said of each site, who has confirmed, the sealed result."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "roll_calls",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("meeting", sa.Text, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("corrects", sa.Text),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("opened_by", sa.Text, nullable=False),
        sa.Column("sealed_at", sa.BigInteger),
        sa.Column("sealed_by", sa.Text),
        sa.Column("digest", sa.Text),
        sa.Column("seq", sa.Integer),
        sa.Column("result", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_roll_calls"),
        sa.ForeignKeyConstraint(["meeting"], ["meetings.id"], name="fk_roll_calls_meeting"),
        sa.ForeignKeyConstraint(["corrects"], ["roll_calls.id"], name="fk_roll_calls_corrects"),
        sa.UniqueConstraint("meeting", "number", name="uq_roll_calls_meeting_number"),
    )
    op.create_table(
        "roll_entries",
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("says", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("head_name", sa.Text),
        sa.Column("head_title", sa.Text),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("by_name", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("call", "site", name="pk_roll_entries"),
        sa.ForeignKeyConstraint(["call"], ["roll_calls.id"], name="fk_roll_entries_call"),
        sa.ForeignKeyConstraint(["site"], ["sites.id"], name="fk_roll_entries_site"),
    )
    op.create_table(
        "roll_confirmations",
        sa.Column("call", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by_name", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("call", "unit", name="pk_roll_confirmations"),
        sa.ForeignKeyConstraint(["call"], ["roll_calls.id"], name="fk_roll_confirmations_call"),
    )
