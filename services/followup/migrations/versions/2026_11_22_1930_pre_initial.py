"""Followup's first tables."""

import sqlalchemy as sa
from alembic import op

from shared.store.frame_migration import create_frame_v1
from shared.store.tables import BigId
from shared.store.types import UTCDateTime, json_column

revision = "followup_0001"
down_revision = None


def upgrade() -> None:
    create_frame_v1()
    op.create_table(
        "cases",
        sa.Column("complaint", sa.String(200), primary_key=True),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("code_sha256", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("handler", sa.String(100)),
        sa.Column("team", sa.String(64)),
        sa.Column("callback_due_at", UTCDateTime),
        sa.Column("body", json_column(), nullable=False),
        sa.Column("changed_at", UTCDateTime, nullable=False),
        sa.UniqueConstraint("number", name="uq_cases_number"),
    )
    op.create_index("ix_cases_unit", "cases", ["unit", "complaint"])
    op.create_index("ix_cases_handler", "cases", ["handler", "complaint"])
    op.create_table(
        "facts",
        sa.Column("id", BigId, primary_key=True, autoincrement=True),
        sa.Column("complaint", sa.String(200), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("name", sa.String(30), nullable=False),
        sa.Column("cycle", sa.Integer, nullable=False),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("order", sa.Integer, nullable=False),
        sa.Column("body", json_column(), nullable=False),
        sa.Column("recorded_at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_facts_complaint", "facts", ["complaint", "id"])
    op.create_table(
        "clock_facts",
        sa.Column("id", BigId, primary_key=True, autoincrement=True),
        sa.Column("complaint", sa.String(200), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("cycle", sa.Integer, nullable=False),
        sa.Column("clock", sa.String(64), nullable=False),
        sa.Column("fact", sa.String(10), nullable=False),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.Column("episode", sa.Integer, nullable=False),
        sa.Column("basis", sa.Integer, nullable=False),
        sa.Column("since", UTCDateTime),
        sa.Column("started_at", UTCDateTime),
        sa.Column("due_at", UTCDateTime),
        sa.Column("statutory_due_at", UTCDateTime),
        sa.Column("term", sa.String(10), nullable=False),
        sa.Column("calendar", sa.String(64), nullable=False),
        sa.Column("rule", sa.String(400), nullable=False),
        sa.Column("fraction", sa.Float),
        sa.Column("recorded_at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_clock_facts_complaint", "clock_facts", ["complaint", "id"])
