"""Who changed packs, when, and why."""

import sqlalchemy as sa
from alembic import op

from shared.store.tables import BigId
from shared.store.types import UTCDateTime

revision = "desk_0002"
down_revision = "desk_0001"


def upgrade() -> None:
    op.create_table(
        "pack_changes",
        sa.Column("id", BigId, primary_key=True, autoincrement=True),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("ref", sa.String(100), nullable=False),
        sa.Column("since", UTCDateTime),
        sa.Column("was", sa.String(100)),
        sa.Column("reason", sa.Text, nullable=False),
    )
