"""Routing's first tables."""

import sqlalchemy as sa
from alembic import op

from shared.store.frame_migration import create_frame_v1
from shared.store.types import UTCDateTime, json_column

revision = "routing_0001"
down_revision = None


def upgrade() -> None:
    create_frame_v1()
    op.create_table(
        "decisions",
        sa.Column("complaint", sa.String(36), primary_key=True),
        sa.Column("number", sa.String(13), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("cycle", sa.Integer, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("categories", json_column(), nullable=False),
        sa.Column("severity", sa.String(10), nullable=False),
        sa.Column("urgency", sa.String(10), nullable=False),
        sa.Column("unsure", sa.Boolean, nullable=False),
        sa.Column("cues", json_column(), nullable=False),
        sa.Column("reasons", json_column(), nullable=False),
        sa.Column("language", sa.String(10), nullable=False),
        sa.Column("team", sa.String(60), nullable=False),
        sa.Column("skills", json_column(), nullable=False),
        sa.Column("handler", sa.String(36)),
        sa.Column("choice", json_column(), nullable=False),
        sa.Column("pack", sa.String(63), nullable=False),
        sa.Column("pack_version", sa.String(30), nullable=False),
        sa.Column("model", sa.String(30), nullable=False),
        sa.Column("decided_by", sa.String(100), nullable=False),
        sa.Column("decided_at", UTCDateTime, nullable=False),
        sa.UniqueConstraint("number", name="uq_decisions_number"),
    )
    waits = sa.text("state IN ('triage', 'waiting')")
    op.create_index(
        "ix_decisions_open",
        "decisions",
        ["state", "number"],
        sqlite_where=waits,
        postgresql_where=waits,
    )
    op.create_table(
        "handlers",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("team", sa.String(60)),
        sa.Column("skills", json_column()),
        sa.Column("languages", json_column()),
        sa.Column("present", sa.Boolean, nullable=False),
        sa.Column("load", sa.Integer, nullable=False),
        sa.Column("capacity", sa.Integer, nullable=False),
        sa.Column("last_assigned_at", UTCDateTime),
    )
    op.create_index("ix_handlers_unit", "handlers", ["unit"])
