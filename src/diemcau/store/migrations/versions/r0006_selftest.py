"""Self-tests of sites, and when sites were last connected."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "self_tests",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("passed", sa.Boolean, nullable=False),
        sa.Column("first_passed_at", sa.BigInteger),
        sa.Column("advice", sa.JSON, nullable=False),
        sa.Column("figures", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_self_tests"),
    )
    op.create_index("ix_self_tests_site_at", "self_tests", ["site", "at"])
    op.create_table(
        "site_seen",
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("site", name="pk_site_seen"),
    )
