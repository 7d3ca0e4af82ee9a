"""Notify's tables."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from shared.store.tables import NAMING, BigId, frame_tables
from shared.store.types import UTCDateTime, json_column

METADATA = MetaData(naming_convention=NAMING)
FRAME = frame_tables(METADATA)

_WAITING: Final = text("state IN ('pending', 'attempting', 'offered')")
MESSAGES = Table(
    "messages",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("complaint", String(36), nullable=False),
    Column("number", String(13), nullable=False, index=True),
    Column("unit", String(63), nullable=False),
    Column("cycle", Integer, nullable=False),
    # `complainant`, `staff/{account}` or `group/{channel}`.
    Column("recipient", String(80), nullable=False),
    Column("purpose", String(100), nullable=False),
    Column("letter", String(60), nullable=False),
    Column("complainant_id", String(36), nullable=False),
    Column("language", String(10), nullable=False),
    Column("pack", String(63), nullable=False),
    Column("pack_version", String(30), nullable=False),
    Column("variables", json_column(), nullable=False),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UTCDateTime),
    # When an attempt under way counts as lost, by the database's clock in milliseconds: a claim is a lease.
    Column("expires", BigInteger),
    Column("planned_at", UTCDateTime, nullable=False),
    Column("reason", String(40)),
    # What goes first: 0 danger, 1 single messages, 2 what goes to many.
    Column("lane", SmallInteger, nullable=False, server_default="1"),
    # The event that it follows from.
    Column("event_id", String(36)),
    # The channel in use, how often it was tried, and those that failed before it.
    Column("channel", String(20)),
    Column("channel_attempts", Integer, nullable=False, server_default="0"),
    Column("passed", json_column()),
    # Whether it answers by itself what came by mail.
    Column("answers", SmallInteger, nullable=False, server_default="0"),
    # Written before a provider is called that must not be called twice without a person's word.
    Column("calling", String(20)),
    UniqueConstraint("complaint", "cycle", "recipient", "purpose", name="uq_messages_once"),
)
Index(
    "ix_messages_due",
    MESSAGES.c.lane,
    MESSAGES.c.next_at,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)
# How many somebody got of late, and what is to be cancelled when they are erased.
Index("ix_messages_complainant", MESSAGES.c.complainant_id, MESSAGES.c.planned_at)

ATTEMPTS = Table(
    "attempts",
    METADATA,
    Column("message", String(36), ForeignKey("messages.id"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("channel", String(20), nullable=False),
    Column("started_at", UTCDateTime, nullable=False),
    Column("ended_at", UTCDateTime),
    Column("result", String(12), nullable=False),
    Column("provider_id", String(300)),
    Column("code", String(300)),
)
# Whose a receipt is.
Index("ix_attempts_provider_id", ATTEMPTS.c.provider_id)

OUTGOING = Table(
    "outgoing",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("channel", String(20), nullable=False),
    Column("message", String(36), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("offered_at", UTCDateTime, nullable=False),
)
Index("ix_outgoing_channel", OUTGOING.c.channel, OUTGOING.c.position)

ANSWERS = Table(
    "answers",
    METADATA,
    Column("message", String(36), primary_key=True),
    # Stands for the address, which is not kept.
    Column("token", String(32), nullable=False),
    Column("at", UTCDateTime, nullable=False),
)
Index("ix_answers_token", ANSWERS.c.token, ANSWERS.c.at)

ALERTS = Table(
    "alerts",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("unit", String(63), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("number", String(13)),
    Column("reason", String(300)),
    Column("raised_at", UTCDateTime, nullable=False),
    Column("done_at", UTCDateTime),
    Column("done_by", String(80)),
)
Index(
    "ix_alerts_open",
    ALERTS.c.unit,
    ALERTS.c.id,
    sqlite_where=text("done_at IS NULL"),
    postgresql_where=text("done_at IS NULL"),
)

PREFERENCES = Table(
    "preferences",
    METADATA,
    # A complainant's id, or `staff/{account}`.
    Column("person", String(80), primary_key=True),
    Column("unit", String(63), nullable=False),
    Column("wishes", json_column(), nullable=False),
    Column("changed_at", UTCDateTime, nullable=False),
)

KNOWN = Table(
    "known",
    METADATA,
    Column("complaint", String(36), primary_key=True),
    Column("facts", json_column(), nullable=False),
)

BULLETINS = Table(
    "bulletins",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("incident", String(36), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("letter", String(60), nullable=False),
    Column("variables", json_column(), nullable=False),
    Column("is_danger", SmallInteger, nullable=False),
    # Where the next page of members begins.
    Column("after", String(500)),
    Column("planned", Integer, nullable=False),
    Column("state", String(12), nullable=False),
    Column("next_at", UTCDateTime),
    Column("started_at", UTCDateTime, nullable=False),
)

WEBHOOKS = Table(
    "webhooks",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("unit", String(63), nullable=False),
    Column("label", String(100), nullable=False),
    Column("url", String(2000), nullable=False),
    # What is wanted: `types`, `units`, `categories`.
    Column("wants", json_column(), nullable=False),
    Column("state", String(12), nullable=False),
    # Which secret signs, and until when the one before it signs too.
    Column("generation", Integer, nullable=False),
    Column("old_until", UTCDateTime),
    # Everything in the feed up to here was looked at.
    Column("position", BigInteger, nullable=False),
    Column("failing_since", UTCDateTime),
    Column("reason", String(100)),
    Column("made_at", UTCDateTime, nullable=False),
    Column("made_by", String(80), nullable=False),
)

DELIVERIES = Table(
    "deliveries",
    METADATA,
    Column("webhook", String(36), ForeignKey("webhooks.id"), primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", String(36), nullable=False),
    Column("type", String(100), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("state", String(12), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UTCDateTime),
    Column("expires", BigInteger),
    Column("delivered_at", UTCDateTime),
)
_OPEN: Final = text("state = 'pending'")
Index(
    "ix_deliveries_order",
    DELIVERIES.c.webhook,
    DELIVERIES.c.subject,
    DELIVERIES.c.position,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)
Index(
    "ix_deliveries_due",
    DELIVERIES.c.webhook,
    DELIVERIES.c.next_at,
    sqlite_where=_OPEN,
    postgresql_where=_OPEN,
)

DELIVERY_LOG = Table(
    "delivery_log",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("webhook", String(36), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("event_id", String(36), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("milliseconds", Integer, nullable=False),
    Column("result", String(12), nullable=False),
    # The HTTP status, or what went wrong before there was one.
    Column("code", String(100)),
)
Index("ix_delivery_log_webhook", DELIVERY_LOG.c.webhook, DELIVERY_LOG.c.id)

FEED = Table(
    "feed",
    METADATA,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", String(36), nullable=False, unique=True),
    Column("type", String(100), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("number", String(13)),
    Column("event", Text, nullable=False),
)
Index("ix_feed_number", FEED.c.number, FEED.c.position)
# One row a counter: 1 counts the feed, 2 what is offered to adapters.
FEED_COUNTER = Table(
    "feed_counter",
    METADATA,
    Column("id", BigId, primary_key=True),
    Column("position", BigInteger, nullable=False),
)
