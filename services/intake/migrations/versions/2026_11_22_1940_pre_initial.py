"""Intake's first tables."""

import sqlalchemy as sa
from alembic import op

from shared.store.frame_migration import create_frame_v1
from shared.store.tables import BigId
from shared.store.types import UTCDateTime, json_column

revision = "intake_0001"
down_revision = None


def upgrade() -> None:
    create_frame_v1()
    op.create_table(
        "complaints",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("number", sa.String(13), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("external_id", sa.String(300)),
        sa.Column("language", sa.String(5), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("facts", json_column(), nullable=False),
        sa.Column("received_at", UTCDateTime, nullable=False),
        sa.Column("complainant_id", sa.String(36), nullable=False),
        sa.Column("pack", sa.String(63), nullable=False),
        sa.Column("pack_version", sa.String(30), nullable=False),
        sa.Column("received_by", sa.String(60), nullable=False),
        sa.Column("original", sa.LargeBinary, nullable=False),
        sa.Column("code", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("number", name="uq_complaints_number"),
    )
    op.create_index("ix_complaints_unit", "complaints", ["unit", "id"])
    op.create_table(
        "messages",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("complaint_id", sa.String(36), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("by", sa.String(11), nullable=False),
        sa.Column("added_by", sa.String(60), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("language", sa.String(5), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("attachments", json_column(), nullable=False),
        sa.Column("added_at", UTCDateTime, nullable=False),
        sa.Column("original", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_messages_complaint", "messages", ["complaint_id", "id"])
    op.create_table(
        "complainants",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("data_key", sa.LargeBinary),
        sa.Column("profile", sa.LargeBinary),
        sa.Column("anonymous", sa.Boolean, nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("erased_at", UTCDateTime),
    )
    op.create_table(
        "contact_points",
        sa.Column("token", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(10), primary_key=True),
        sa.Column("complainant_id", sa.String(36), primary_key=True),
        sa.Column("unit", sa.String(63), nullable=False),
    )
    op.create_table(
        "attachments",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("owner", sa.String(60), nullable=False),
        sa.Column("media_type", sa.String(100), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("name", sa.LargeBinary),
        sa.Column("data_key", sa.LargeBinary, nullable=False),
        sa.Column("complaint_id", sa.String(36)),
        sa.Column("created_at", UTCDateTime, nullable=False),
    )
    op.create_table(
        "reads",
        sa.Column("id", BigId, primary_key=True, autoincrement=True),
        sa.Column("reader", sa.String(60), nullable=False),
        sa.Column("what", sa.String(20), nullable=False),
        sa.Column("target", sa.String(36), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("at", UTCDateTime, nullable=False),
    )
