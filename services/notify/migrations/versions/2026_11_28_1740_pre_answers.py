"""Which messages answer a mail by themselves, and which addresses got such of late, by a keyed hash.

Old code answers without looking.
"""

import sqlalchemy as sa
from alembic import op

from shared.store.types import UTCDateTime

revision = "notify_0004"
down_revision = "notify_0003"


def upgrade() -> None:
    op.add_column(
        "messages", sa.Column("answers", sa.SmallInteger, nullable=False, server_default="0")
    )
    op.create_table(
        "answers",
        sa.Column("message", sa.String(36), primary_key=True),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_answers_token", "answers", ["token", "at"])
