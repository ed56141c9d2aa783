"""Layouts of walls, and shortlists of leaders' screens."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates the tables."""
    op.create_table(
        "wall_layouts",
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("layout", sa.JSON, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("person", "name", name="pk_wall_layouts"),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name="fk_wall_layouts_person_people"),
    )
    op.create_table(
        "shortlists",
        sa.Column("meeting", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("sites", sa.JSON, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("changed_by", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("meeting", "person", name="pk_shortlists"),
        sa.ForeignKeyConstraint(["meeting"], ["meetings.id"], name="fk_shortlists_meeting_meetings"),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name="fk_shortlists_person_people"),
    )
