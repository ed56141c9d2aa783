"""Command centres, how sites answer, calls and what they found."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables and columns."""
    op.add_column("sites", sa.Column("answer", sa.Text))
    op.create_table(
        "inspections",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("meeting", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("caller", sa.Text, nullable=False),
        sa.Column("caller_name", sa.Text, nullable=False),
        sa.Column("caller_title", sa.Text),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("why", sa.Text),
        sa.Column("after", sa.Text),
        sa.Column("draw", sa.Text),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("answered_at", sa.BigInteger),
        sa.Column("live_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("people", sa.JSON, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("phoned", sa.JSON, nullable=False),
        sa.Column("entered", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_inspections"),
    )
    op.create_index("ix_inspections_site_at", "inspections", ["site", "at"])
    op.create_index("ix_inspections_unit_at", "inspections", ["unit", "at"])
    op.create_index("ix_inspections_at", "inspections", ["at"])
    op.create_index("ix_inspections_state", "inspections", ["state"])
    op.create_table(
        "inspection_pictures",
        sa.Column("inspection", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("jpeg", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("inspection", name="pk_inspection_pictures"),
        sa.ForeignKeyConstraint(["inspection"], ["inspections.id"], name="fk_inspection_pictures_inspection"),
    )
    op.create_index("ix_inspection_pictures_at", "inspection_pictures", ["at"])
    op.create_table(
        "findings",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("inspection", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("by_name", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("due", sa.Text),
        sa.Column("closed_at", sa.BigInteger),
        sa.Column("closed_by", sa.Text),
        sa.Column("closing", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_findings"),
        sa.ForeignKeyConstraint(["inspection"], ["inspections.id"], name="fk_findings_inspection"),
    )
    op.create_index("ix_findings_inspection", "findings", ["inspection"])
    op.create_index("ix_findings_unit_at", "findings", ["unit", "at"])
    op.create_index("ix_findings_closed_at", "findings", ["closed_at"])
    op.create_table(
        "draws",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("by_name", sa.Text, nullable=False),
        sa.Column("units", sa.JSON, nullable=False),
        sa.Column("levels", sa.JSON, nullable=False),
        sa.Column("seed", sa.Text, nullable=False),
        sa.Column("pool", sa.Integer, nullable=False),
        sa.Column("pool_hash", sa.Text, nullable=False),
        sa.Column("drawn", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_draws"),
    )
    op.create_index("ix_draws_at", "draws", ["at"])
    op.create_table(
        "sightings",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("meeting", sa.Text, nullable=False),
        sa.Column("person", sa.Text),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("how", sa.Text, nullable=False),
        sa.Column("began", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_sightings"),
    )
    op.create_index("ix_sightings_site_began", "sightings", ["site", "began"])
    op.create_index("ix_sightings_ended", "sightings", ["ended"])
