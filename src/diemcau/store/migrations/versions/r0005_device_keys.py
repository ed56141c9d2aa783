"""Keys of devices."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the columns: what was bound before is a program's bearer."""
    op.add_column("devices", sa.Column("public_key", sa.LargeBinary))
    op.add_column("devices", sa.Column("conflict_at", sa.BigInteger))
