"""Who has got a message, and who has answered one that asks."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the table of receipts."""
    op.create_table(
        "message_receipts",
        sa.Column("meeting", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("got_at", sa.BigInteger, nullable=False),
        sa.Column("answered_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("meeting", "message", "site", name="pk_message_receipts"),
        sa.ForeignKeyConstraint(["meeting"], ["meetings.id"], name="fk_message_receipts_meeting"),
        sa.ForeignKeyConstraint(["site"], ["sites.id"], name="fk_message_receipts_site"),
    )
