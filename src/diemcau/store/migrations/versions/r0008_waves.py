"""E-mail addresses of sites; waves, their sites, messages and reminders."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the column and the tables."""
    op.add_column("sites", sa.Column("emails", sa.JSON, nullable=False, server_default="[]"))
    op.create_table(
        "waves",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("start", sa.Text, nullable=False),
        sa.Column("end", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_waves"),
    )
    op.create_table(
        "wave_sites",
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("wave", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("site", name="pk_wave_sites"),
    )
    op.create_index("ix_wave_sites_wave", "wave_sites", ["wave"])
    op.create_table(
        "wave_sendings",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("wave", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("occasion", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("link", sa.Boolean, nullable=False),
        sa.Column("days", sa.Integer, nullable=False),
        sa.Column("causes", sa.JSON, nullable=False),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("hotline", sa.Text, nullable=False),
        sa.Column("per_minute", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("error", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_wave_sendings"),
    )
    op.create_index("ix_wave_sendings_wave", "wave_sendings", ["wave"])
    op.create_index("ix_wave_sendings_state", "wave_sendings", ["state"])
    op.create_table(
        "wave_messages",
        sa.Column("wave", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("occasion", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("sending", sa.Text, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("address", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("detail", sa.Text),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("wave", "site", "occasion", "channel", name="pk_wave_messages"),
    )
    op.create_index("ix_wave_messages_due", "wave_messages", ["sending", "state", "due_at", "place"])
    op.create_table(
        "wave_reminders",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("wave", sa.Text, nullable=False),
        sa.Column("days_before", sa.Integer, nullable=False),
        sa.Column("clock", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("causes", sa.JSON, nullable=False),
        sa.Column("base", sa.Text, nullable=False),
        sa.Column("hotline", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("sending", sa.Text),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_wave_reminders"),
    )
    op.create_index("ix_wave_reminders_wave", "wave_reminders", ["wave"])
    op.create_index("ix_wave_reminders_state_at", "wave_reminders", ["state", "at"])
