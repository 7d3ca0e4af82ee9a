"""Notify's first tables."""

import sqlalchemy as sa
from alembic import op

from shared.store.frame_migration import create_frame_v1
from shared.store.tables import BigId
from shared.store.types import UTCDateTime, json_column

revision = "notify_0001"
down_revision = None


def upgrade() -> None:
    create_frame_v1()
    op.create_table(
        "messages",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("complaint", sa.String(36), nullable=False),
        sa.Column("number", sa.String(13), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("cycle", sa.Integer, nullable=False),
        sa.Column("recipient", sa.String(20), nullable=False),
        sa.Column("purpose", sa.String(40), nullable=False),
        sa.Column("letter", sa.String(60), nullable=False),
        sa.Column("complainant_id", sa.String(36), nullable=False),
        sa.Column("language", sa.String(10), nullable=False),
        sa.Column("pack", sa.String(63), nullable=False),
        sa.Column("pack_version", sa.String(30), nullable=False),
        sa.Column("variables", json_column(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", UTCDateTime),
        sa.Column("planned_at", UTCDateTime, nullable=False),
        sa.Column("reason", sa.String(40)),
        sa.UniqueConstraint("complaint", "cycle", "recipient", "purpose", name="uq_messages_once"),
    )
    op.create_index("ix_messages_number", "messages", ["number"])
    due = sa.text("state IN ('pending', 'attempting')")
    op.create_index(
        "ix_messages_due", "messages", ["next_at"], sqlite_where=due, postgresql_where=due
    )
    op.create_table(
        "attempts",
        sa.Column(
            "message",
            sa.String(36),
            sa.ForeignKey("messages.id", name="fk_attempts_message"),
            primary_key=True,
        ),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("started_at", UTCDateTime, nullable=False),
        sa.Column("ended_at", UTCDateTime),
        sa.Column("result", sa.String(12), nullable=False),
        sa.Column("provider_id", sa.String(300)),
        sa.Column("code", sa.String(300)),
    )
    op.create_table(
        "feed",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("number", sa.String(13)),
        sa.Column("event", sa.Text, nullable=False),
        sa.UniqueConstraint("event_id", name="uq_feed_event_id"),
    )
    op.create_index("ix_feed_number", "feed", ["number", "position"])
    op.create_table(
        "feed_counter",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
    )
