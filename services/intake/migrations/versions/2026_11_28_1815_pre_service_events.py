"""What a company's own systems report."""

import sqlalchemy as sa
from alembic import op

from shared.store.types import UTCDateTime, json_column

revision = "intake_service_events"
down_revision = "intake_conversations"


def upgrade() -> None:
    op.create_table(
        "service_events",
        sa.Column("unit", sa.String(63), primary_key=True),
        sa.Column("token", sa.String(64), primary_key=True),
        sa.Column("event_id", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("area", sa.String(100)),
        sa.Column("title", sa.String(200)),
        sa.Column("reference_tokens", json_column(), nullable=False),
        sa.Column("starts_at", UTCDateTime, nullable=False),
        sa.Column("ends_at", UTCDateTime),
        sa.Column("reported_at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_service_events_kind", "service_events", ["unit", "kind", "starts_at"])
