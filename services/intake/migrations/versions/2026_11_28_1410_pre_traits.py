"""What likely duplicates have in common, kept once on SQLite instead of in a table and its index."""

import sqlalchemy as sa
from alembic import op

revision = "intake_traits"
down_revision = "intake_mails"


def upgrade() -> None:
    # Nothing has filled it before: complaints are compared from this version on.
    op.drop_table("traits")
    op.create_table(
        "traits",
        sa.Column("unit", sa.String(63), primary_key=True),
        sa.Column("kind", sa.String(10), primary_key=True),
        sa.Column("value", sa.String(64), primary_key=True),
        sa.Column("complaint_id", sa.String(36), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_traits_complaint", "traits", ["complaint_id"])
