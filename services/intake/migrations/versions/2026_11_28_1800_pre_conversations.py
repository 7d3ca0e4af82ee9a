"""Where conversations in messengers stand."""

import sqlalchemy as sa
from alembic import op

from shared.store.types import UTCDateTime

revision = "intake_conversations"
down_revision = "intake_released"


def upgrade() -> None:
    op.create_table(
        "conversations",
        sa.Column("account", sa.String(40), primary_key=True),
        sa.Column("sender", sa.String(64), primary_key=True),
        sa.Column("turned_at", UTCDateTime, nullable=False),
        sa.Column("number", sa.String(13)),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("data_key", sa.LargeBinary),
        sa.Column("state", sa.LargeBinary),
    )
    op.create_index("ix_conversations_turned", "conversations", ["turned_at"])
