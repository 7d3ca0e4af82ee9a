"""The frame's tables as each service's first migration creates them. Frozen: a change is a new function."""

import sqlalchemy as sa
from alembic import op

from shared.store.tables import BigId
from shared.store.types import UTCDateTime, json_column


def create_frame_v1() -> None:
    """Create subjects, outbox, progress, parked, timers, leases and idempotency."""
    op.create_table(
        "subjects",
        sa.Column("subject", sa.String(200), primary_key=True),
        sa.Column("last_sequence", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "outbox",
        sa.Column("id", BigId, primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("published_at", UTCDateTime),
        sa.Column("refused", sa.Text),
    )
    waiting = sa.text("published_at IS NULL")
    op.create_index(
        "ix_outbox_waiting", "outbox", ["id"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_table(
        "progress",
        sa.Column("source", sa.String(100), primary_key=True),
        sa.Column("subject", sa.String(200), primary_key=True),
        sa.Column("last_sequence", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "parked",
        sa.Column("id", BigId, primary_key=True, autoincrement=True),
        sa.Column("source", sa.String(100), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("event", sa.LargeBinary, nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_try_at", UTCDateTime),
        sa.Column("parked_at", UTCDateTime, nullable=False),
        sa.UniqueConstraint("source", "subject", "sequence", name="uq_parked_source"),
    )
    op.create_table(
        "timers",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("key", sa.String(100), nullable=False),
        sa.Column("due_at", UTCDateTime, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("body", json_column(), nullable=False),
        sa.Column("error", sa.Text),
        sa.UniqueConstraint("name", "subject", "key", name="uq_timers_name"),
    )
    armed = sa.text("state = 'armed'")
    op.create_index(
        "ix_timers_due", "timers", ["due_at"], sqlite_where=armed, postgresql_where=armed
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(60), primary_key=True),
        sa.Column("owner", sa.String(60), nullable=False),
        sa.Column("token", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "idempotency",
        sa.Column("scope", sa.String(120), primary_key=True),
        sa.Column("key", sa.String(255), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("reference", sa.String(200), nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False),
    )
