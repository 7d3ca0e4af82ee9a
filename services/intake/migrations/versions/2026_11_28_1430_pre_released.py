"""Mails that a person released from quarantine, and whether a scanner has found anything in a file."""

import sqlalchemy as sa
from alembic import op

from shared.store.types import UTCDateTime

revision = "intake_released"
down_revision = "intake_traits"
UNSCANNED = sa.text("scan = 'waiting'")


def upgrade() -> None:
    op.add_column("mails", sa.Column("released_by", sa.String(60)))
    op.add_column("mails", sa.Column("released_at", UTCDateTime))
    op.add_column("attachments", sa.Column("scan", sa.String(10)))
    op.create_index(
        "ix_attachments_unscanned", "attachments", ["id"], sqlite_where=UNSCANNED, postgresql_where=UNSCANNED
    )  # fmt: skip
