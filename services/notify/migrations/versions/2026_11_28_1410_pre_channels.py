"""Channels, lanes, offers to adapters, alerts, preferences, bulletins and webhooks. Old code goes on beside it."""

import sqlalchemy as sa
from alembic import op

from shared.store.types import UTCDateTime, json_column

revision = "notify_0003"
down_revision = "notify_0002"

WAITING = sa.text("state IN ('pending', 'attempting', 'offered')")
OPEN = sa.text("done_at IS NULL")
PENDING = sa.text("state = 'pending'")


def upgrade() -> None:
    _widen_messages()
    _add_offers_and_people()
    _add_webhooks()


def _widen_messages() -> None:
    # SQLite holds texts to no length, and would copy the whole table.
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("messages", "recipient", type_=sa.String(80))
        op.alter_column("messages", "purpose", type_=sa.String(100))
    for column in (
        sa.Column("lane", sa.SmallInteger, nullable=False, server_default="1"),
        sa.Column("event_id", sa.String(36)),
        sa.Column("channel", sa.String(20)),
        sa.Column("channel_attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("passed", json_column()),
        sa.Column("calling", sa.String(20)),
    ):
        op.add_column("messages", column)
    op.drop_index("ix_messages_due", "messages")
    op.create_index(
        "ix_messages_due",
        "messages",
        ["lane", "next_at"],
        sqlite_where=WAITING,
        postgresql_where=WAITING,
    )
    op.create_index("ix_messages_complainant", "messages", ["complainant_id", "planned_at"])
    op.create_index("ix_attempts_provider_id", "attempts", ["provider_id"])


def _add_offers_and_people() -> None:
    op.create_table(
        "outgoing",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("message", sa.String(36), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("offered_at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_outgoing_channel", "outgoing", ["channel", "position"])
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("number", sa.String(13)),
        sa.Column("reason", sa.String(300)),
        sa.Column("raised_at", UTCDateTime, nullable=False),
        sa.Column("done_at", UTCDateTime),
        sa.Column("done_by", sa.String(80)),
    )
    op.create_index(
        "ix_alerts_open", "alerts", ["unit", "id"], sqlite_where=OPEN, postgresql_where=OPEN
    )
    op.create_table(
        "preferences",
        sa.Column("person", sa.String(80), primary_key=True),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("wishes", json_column(), nullable=False),
        sa.Column("changed_at", UTCDateTime, nullable=False),
    )
    op.create_table(
        "known",
        sa.Column("complaint", sa.String(36), primary_key=True),
        sa.Column("facts", json_column(), nullable=False),
    )
    op.create_table(
        "bulletins",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("incident", sa.String(36), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("letter", sa.String(60), nullable=False),
        sa.Column("variables", json_column(), nullable=False),
        sa.Column("is_danger", sa.SmallInteger, nullable=False),
        sa.Column("after", sa.String(500)),
        sa.Column("planned", sa.Integer, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("next_at", UTCDateTime),
        sa.Column("started_at", UTCDateTime, nullable=False),
    )


def _add_webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("label", sa.String(100), nullable=False),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("wants", json_column(), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("old_until", UTCDateTime),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("failing_since", UTCDateTime),
        sa.Column("reason", sa.String(100)),
        sa.Column("made_at", UTCDateTime, nullable=False),
        sa.Column("made_by", sa.String(80), nullable=False),
    )
    op.create_table(
        "deliveries",
        sa.Column(
            "webhook",
            sa.String(36),
            sa.ForeignKey("webhooks.id", name="fk_deliveries_webhook"),
            primary_key=True,
        ),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at", UTCDateTime),
        sa.Column("expires", sa.BigInteger),
        sa.Column("delivered_at", UTCDateTime),
    )
    op.create_index(
        "ix_deliveries_order",
        "deliveries",
        ["webhook", "subject", "position"],
        sqlite_where=PENDING,
        postgresql_where=PENDING,
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["webhook", "next_at"],
        sqlite_where=PENDING,
        postgresql_where=PENDING,
    )
    op.create_table(
        "delivery_log",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("webhook", sa.String(36), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.Column("milliseconds", sa.Integer, nullable=False),
        sa.Column("result", sa.String(12), nullable=False),
        sa.Column("code", sa.String(100)),
    )
    op.create_index("ix_delivery_log_webhook", "delivery_log", ["webhook", "id"])
