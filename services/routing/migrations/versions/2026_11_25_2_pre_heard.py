"""What understanding took beside the text, when clocks were met, and the signs that recent complaints share."""

import sqlalchemy as sa
from alembic import op

from shared.store.types import UTCDateTime, json_column

revision = "routing_0004"
down_revision = "routing_0003"


def upgrade() -> None:
    op.create_table(
        "heard",
        sa.Column("complaint", sa.String(36), primary_key=True),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("subject", sa.Text),
        sa.Column("fields", json_column(), nullable=False),
        sa.Column("received_at", UTCDateTime, nullable=False),
        sa.Column("closed_at", UTCDateTime),
        sa.Column("met", json_column()),
        sa.Column("candidates", json_column()),
    )
    op.create_index("ix_heard_received_at", "heard", ["received_at"])
    op.create_table(
        "signs",
        sa.Column("week", sa.Integer, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("times", sa.Integer, nullable=False),
        sa.Column("complaints", sa.String(200), nullable=False),
    )
