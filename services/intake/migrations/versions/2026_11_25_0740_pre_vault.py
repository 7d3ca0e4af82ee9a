"""Customers known before any complaint, what they own, contact points of staff, and erasures."""

import sqlalchemy as sa
from alembic import op

from shared.store.types import UTCDateTime, json_column

revision = "intake_0002"
down_revision = "intake_0001"


def upgrade() -> None:
    op.add_column("complainants", sa.Column("customer", sa.String(64)))
    op.create_index("uq_complainants_customer", "complainants", ["unit", "customer"], unique=True)
    op.create_index("ix_contact_points_complainant", "contact_points", ["complainant_id"])
    op.create_index("ix_complaints_complainant", "complaints", ["complainant_id"])
    op.add_column("reads", sa.Column("reason", sa.String(200)))
    op.create_index("ix_reads_target", "reads", ["target"])
    op.create_table(
        "owned",
        sa.Column("token", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("complainant_id", sa.String(36), primary_key=True),
        sa.Column("unit", sa.String(63), nullable=False),
    )
    op.create_index("ix_owned_complainant", "owned", ["complainant_id"])
    op.create_table(
        "staff_contacts",
        sa.Column("account", sa.String(60), primary_key=True),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("data_key", sa.LargeBinary, nullable=False),
        sa.Column("profile", sa.LargeBinary, nullable=False),
        sa.Column("changed_at", UTCDateTime, nullable=False),
    )
    op.create_table(
        "erasures",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("complainants", json_column(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(200)),
        sa.Column("requested_by", sa.String(60), nullable=False),
        sa.Column("requested_at", UTCDateTime, nullable=False),
        sa.Column("approved_by", sa.String(60)),
        sa.Column("approved_at", UTCDateTime),
        sa.Column("completed_at", UTCDateTime),
        sa.Column("proof", json_column(), nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        # ANALYZE keeps samples of what it sees: what is erased would live on in them.
        for table, column in (
            ("complainants", "data_key"), ("complainants", "profile"), ("complaints", "original"),
            ("complaints", "code"), ("messages", "original"), ("attachments", "data_key"), ("attachments", "name"),
            ("staff_contacts", "data_key"), ("staff_contacts", "profile"),
        ):  # fmt: skip
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")
