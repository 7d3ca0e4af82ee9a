"""What people do to clocks is counted in their plans; a clock that stands still knows when it runs again."""

import sqlalchemy as sa
from alembic import op

from shared.store.types import UTCDateTime

revision = "followup_0003"
down_revision = "followup_0002"


def upgrade() -> None:
    op.add_column(
        "clock_facts", sa.Column("revision", sa.Integer, nullable=False, server_default="0")
    )
    op.add_column("clock_facts", sa.Column("resumes_at", UTCDateTime))
