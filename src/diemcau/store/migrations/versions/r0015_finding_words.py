"""Findings are found by their words and by the day."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the column, which the service fills as it starts, and the index."""
    op.add_column("findings", sa.Column("search", sa.Text, nullable=False, server_default=""))
    op.create_index("ix_findings_at", "findings", ["at"])
