"""Mails that are no complaints, and how often who wrote."""

import sqlalchemy as sa
from alembic import op

from shared.store.types import UTCDateTime

revision = "intake_mails"
down_revision = "intake_0003"


def upgrade() -> None:
    op.create_table(
        "mails",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("outcome", sa.String(12), nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("status", sa.String(12)),
        sa.Column("number", sa.String(13)),
        sa.Column("message_id", sa.String(36)),
        sa.Column("sender", sa.String(64)),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("received_at", UTCDateTime, nullable=False),
        sa.Column("data_key", sa.LargeBinary),
        sa.Column("raw", sa.LargeBinary),
        sa.UniqueConstraint("unit", "channel", "key", name="uq_mails_unit"),
    )
    op.create_index("ix_mails_outcome", "mails", ["outcome", "id"])
    op.create_index("ix_mails_sender", "mails", ["sender"])
    op.create_table(
        "sendings",
        sa.Column("sender", sa.String(64), primary_key=True),
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_sendings_at", "sendings", ["at"])
