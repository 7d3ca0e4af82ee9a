"""The tables that every service's database has beside its own."""

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from shared.store.types import UTCDateTime, json_column

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
BigId = BigInteger().with_variant(
    Integer, "sqlite"
)  # SQLite numbers rows by itself only for INTEGER


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame's tables in one service's metadata."""

    metadata: MetaData
    subjects: Table
    outbox: Table
    progress: Table
    parked: Table
    timers: Table
    leases: Table
    idempotency: Table


def frame_tables(metadata: MetaData) -> Frame:
    """Add the frame's tables to a service's metadata."""
    subjects = Table(
        "subjects",
        metadata,
        Column("subject", String(200), primary_key=True),
        Column("last_sequence", BigInteger, nullable=False),
        comment="How many events this service has said about each aggregate; its row lock orders writers.",
    )
    outbox = Table(
        "outbox",
        metadata,
        Column("id", BigId, primary_key=True, autoincrement=True),
        Column("event_id", String(36), nullable=False),
        Column("subject", String(200), nullable=False),
        Column("event", Text, nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        Column("published_at", UTCDateTime),
        Column("refused", Text),
        comment="Events said, waiting for the log; `refused` holds back its subject's later rows.",
    )
    Index(
        "ix_outbox_waiting",
        outbox.c.id,
        sqlite_where=text("published_at IS NULL"),
        postgresql_where=text("published_at IS NULL"),
    )
    progress = Table(
        "progress",
        metadata,
        Column("source", String(100), primary_key=True),
        Column("subject", String(200), primary_key=True),
        Column("last_sequence", BigInteger, nullable=False),
        comment="The last event of each (source, subject) whose effect is in this database.",
    )
    parked = Table(
        "parked",
        metadata,
        Column("id", BigId, primary_key=True, autoincrement=True),
        Column("source", String(100), nullable=False),
        Column("subject", String(200), nullable=False),
        Column("sequence", BigInteger, nullable=False),
        Column("event", LargeBinary, nullable=False),
        Column("reason", String(20), nullable=False),  # failed | gap | unreadable | version
        Column("error", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("next_try_at", UTCDateTime),
        Column("parked_at", UTCDateTime, nullable=False),
        UniqueConstraint("source", "subject", "sequence"),
        comment="Events that could not be applied, with the later ones of their key behind them.",
    )
    timers = Table(
        "timers",
        metadata,
        Column("id", String(36), primary_key=True),
        Column("name", String(60), nullable=False),
        Column("subject", String(200), nullable=False),
        Column("key", String(100), nullable=False),
        Column("due_at", UTCDateTime, nullable=False),
        Column("epoch", Integer, nullable=False),
        Column("state", String(10), nullable=False),  # armed | fired | cancelled | parked
        Column("body", json_column(), nullable=False),
        Column("error", Text),
        UniqueConstraint("name", "subject", "key"),
        comment="What is to happen at a time: claimed, done and said in one transaction.",
    )
    Index(
        "ix_timers_due",
        timers.c.due_at,
        sqlite_where=text("state = 'armed'"),
        postgresql_where=text("state = 'armed'"),
    )
    leases = Table(
        "leases",
        metadata,
        Column("name", String(60), primary_key=True),
        Column("owner", String(60), nullable=False),
        Column("token", BigInteger, nullable=False),
        Column("expires", BigInteger, nullable=False),  # milliseconds of the database's clock
        comment="Who alone may do a thing now; the token fences off an owner that was asleep.",
    )
    idempotency = Table(
        "idempotency",
        metadata,
        Column("scope", String(120), primary_key=True),
        Column("key", String(255), primary_key=True),
        Column("fingerprint", String(64), nullable=False),
        Column("reference", String(200), nullable=False),
        Column("created_at", UTCDateTime, nullable=False),
        comment="What each Idempotency-Key made; kept as long as what it made.",
    )
    return Frame(metadata, subjects, outbox, progress, parked, timers, leases, idempotency)
