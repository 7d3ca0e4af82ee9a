"""The record of a case is a chain of sealed entries, reads among them; days have a seal; promises have a table."""

import sqlalchemy as sa
from alembic import op

from shared.store.tables import BigId
from shared.store.types import UTCDateTime

revision = "followup_0002"
down_revision = "followup_0001"


def upgrade() -> None:
    for table in ("facts", "clock_facts"):
        op.add_column(table, sa.Column("link", sa.Integer))
        op.add_column(table, sa.Column("seal", sa.String(64)))
    op.add_column("cases", sa.Column("links", sa.Integer))
    op.add_column("cases", sa.Column("seal", sa.String(64)))
    op.create_table(
        "reads",
        sa.Column("id", BigId, primary_key=True, autoincrement=True),
        sa.Column("complaint", sa.String(200), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(200)),
        sa.Column("recorded_at", UTCDateTime, nullable=False),
        sa.Column("link", sa.Integer, nullable=False),
        sa.Column("seal", sa.String(64), nullable=False),
    )
    op.create_index("ix_reads_complaint", "reads", ["complaint", "id"])
    op.create_table(
        "days",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("cases", sa.Integer, nullable=False),
        sa.Column("seal", sa.String(64), nullable=False),
        sa.Column("after_fact", sa.BigInteger, nullable=False),
        sa.Column("after_clock_fact", sa.BigInteger, nullable=False),
        sa.Column("after_read", sa.BigInteger, nullable=False),
        sa.Column("sealed_at", UTCDateTime, nullable=False),
    )
    op.create_table(
        "promises",
        sa.Column("id", sa.String(100), primary_key=True),
        sa.Column("complaint", sa.String(200), nullable=False),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("cycle", sa.Integer, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("who", sa.Text),
        sa.Column("made_at", UTCDateTime, nullable=False),
        sa.Column("due_at", UTCDateTime, nullable=False),
        sa.Column("settled_at", UTCDateTime),
    )
    op.create_index("ix_promises_unit", "promises", ["unit", "due_at", "id"])
