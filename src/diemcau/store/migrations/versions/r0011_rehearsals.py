"""Rehearsals, and what an installation demands of a ready site."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables; every meeting so far was one."""
    op.add_column("meetings", sa.Column("kind", sa.Text, nullable=False, server_default="meeting"))
    op.create_table(
        "rehearsals",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("meeting", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("units", sa.JSON, nullable=False),
        sa.Column("sites", sa.Integer, nullable=False),
        sa.Column("minutes", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("passed", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rehearsals"),
        sa.ForeignKeyConstraint(["meeting"], ["meetings.id"], name="fk_rehearsals_meeting"),
    )
    op.create_index("ix_rehearsals_status", "rehearsals", ["status"])
    op.create_index("ix_rehearsals_starts_at", "rehearsals", ["starts_at"])
    op.create_table(
        "rehearsal_sites",
        sa.Column("rehearsal", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("came", sa.Boolean, nullable=False),
        sa.Column("connect_at", sa.BigInteger),
        sa.Column("see_at", sa.BigInteger),
        sa.Column("hear_at", sa.BigInteger),
        sa.Column("speak_at", sa.BigInteger),
        sa.Column("cause", sa.Text),
        sa.Column("over", sa.Boolean, nullable=False),
        sa.Column("figures", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("rehearsal", "site", name="pk_rehearsal_sites"),
        sa.ForeignKeyConstraint(["rehearsal"], ["rehearsals.id"], name="fk_rehearsal_sites_rehearsal"),
        sa.ForeignKeyConstraint(["site"], ["sites.id"], name="fk_rehearsal_sites_site"),
    )
    op.create_index("ix_rehearsal_sites_site", "rehearsal_sites", ["site"])
    op.create_table(
        "readiness_policy",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("test_days", sa.Integer, nullable=False),
        sa.Column("seen_hours", sa.Integer, nullable=False),
        sa.Column("rehearsal", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_readiness_policy"),
    )
