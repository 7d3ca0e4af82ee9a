"""The desk's first tables."""

import sqlalchemy as sa
from alembic import op

from shared.store.frame_migration import create_frame_v1
from shared.store.tables import BigId
from shared.store.types import UTCDateTime, json_column

revision = "desk_0001"
down_revision = None


def upgrade() -> None:
    create_frame_v1()
    op.create_table(
        "units",
        sa.Column("id", sa.String(63), primary_key=True),
        sa.Column("parent", sa.String(63)),
        sa.Column("title_zh", sa.String(200), nullable=False),
        sa.Column("title_en", sa.String(200), nullable=False),
        sa.Column("default_team", sa.String(60), nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False),
    )
    op.create_table(
        "accounts",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("login", sa.String(100), nullable=False),
        sa.Column("display", sa.String(100), nullable=False),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("languages", json_column(), nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.UniqueConstraint("login", name="uq_accounts_login"),
    )
    op.create_table(
        "keys",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("secret_sha256", sa.String(64), nullable=False),
        sa.Column("label", sa.String(100), nullable=False),
        sa.Column("scopes", json_column(), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("channel", sa.String(20)),
        sa.Column("created_by", sa.String(100), nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("expires_at", UTCDateTime),
        sa.Column("revoked_at", UTCDateTime),
    )
    op.create_table(
        "packs",
        sa.Column("pack", sa.String(63), primary_key=True),
        sa.Column("version", sa.String(30), primary_key=True),
        sa.Column("inherits", sa.String(100)),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("added_at", UTCDateTime, nullable=False),
    )
    op.create_table(
        "in_force",
        sa.Column("id", BigId, primary_key=True, autoincrement=True),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("pack", sa.String(63), nullable=False),
        sa.Column("version", sa.String(30), nullable=False),
        sa.Column("since", UTCDateTime, nullable=False),
        sa.Column("put_by", sa.String(100), nullable=False),
    )
    op.create_index("ix_in_force_unit", "in_force", ["unit", "since"])
