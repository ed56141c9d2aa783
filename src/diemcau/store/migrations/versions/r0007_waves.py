"""E-mail addresses of sites; waves, their sites, messages and reminders."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the column and the tables."""
    op.add_column("sites", sa.Column("emails", sa.JSON, nullable=False, server_default="[]"))
