"""Who has signed in, and who tried in vain."""

import sqlalchemy as sa
from alembic import op

from shared.store.types import UTCDateTime

revision = "desk_0003"
down_revision = "desk_0002"


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column(
            "id", sa.String(64), primary_key=True, comment="SHA-256 of what the browser holds"
        ),
        sa.Column("account", sa.String(36), nullable=False),
        sa.Column("csrf", sa.String(64), nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("seen_at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_sessions_seen_at", "sessions", ["seen_at"])
    op.create_table(
        "tries",
        sa.Column(
            "login", sa.String(64), primary_key=True, comment="SHA-256 of the login that was typed"
        ),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_at", UTCDateTime, nullable=False),
        comment="Wrong passwords one after another.",
    )
