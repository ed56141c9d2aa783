"""Secrecy marks and clearances, and where a called site came from."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table and columns."""
    op.create_table(
        "clearances",
        sa.Column("party", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("until", sa.BigInteger),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("party", name="pk_clearances"),
    )
    op.add_column("meetings", sa.Column("secrecy", sa.Text, nullable=False, server_default="none"))
    op.add_column("inspections", sa.Column("came_from", sa.Text))
