"""Who looks at a case."""

import sqlalchemy as sa
from alembic import op

from shared.store.types import UTCDateTime

revision = "desk_0004"
down_revision = "desk_0003"


def upgrade() -> None:
    op.create_table(
        "present",
        sa.Column("number", sa.String(20), primary_key=True),
        sa.Column("account", sa.String(36), primary_key=True),
        sa.Column("seen_at", UTCDateTime, nullable=False),
        comment="Who looks at a case.",
    )
    op.create_index("ix_present_seen_at", "present", ["seen_at"])
