"""What tells that two complaints are about the same matter, and the links between complaints."""

import sqlalchemy as sa
from alembic import op

from shared.store.types import UTCDateTime, json_column

revision = "intake_0003"
down_revision = "intake_0002"
UNMATCHED = sa.text("matched_at IS NULL")


def upgrade() -> None:
    op.add_column("complaints", sa.Column("matched_at", UTCDateTime))
    # What came before is not looked at again.
    op.execute("UPDATE complaints SET matched_at = received_at")
    op.create_index(
        "ix_complaints_unmatched", "complaints", ["id"], sqlite_where=UNMATCHED, postgresql_where=UNMATCHED
    )  # fmt: skip
    op.create_table(
        "matters",
        sa.Column("token", sa.String(64), primary_key=True),
        sa.Column("complaint_id", sa.String(36), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("received_at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_matters_complaint", "matters", ["complaint_id"])
    op.create_table(
        "traits",
        sa.Column("unit", sa.String(63), primary_key=True),
        sa.Column("kind", sa.String(10), primary_key=True),
        sa.Column("value", sa.String(64), primary_key=True),
        sa.Column("complaint_id", sa.String(36), primary_key=True),
    )
    op.create_index("ix_traits_complaint", "traits", ["complaint_id"])
    op.create_table(
        "signatures",
        sa.Column("complaint_id", sa.String(36), primary_key=True),
        sa.Column("signature", sa.String(128), nullable=False),
    )
    op.create_table(
        "links",
        sa.Column("complaint_id", sa.String(36), primary_key=True),
        sa.Column("other_id", sa.String(36), primary_key=True),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("reasons", json_column(), nullable=False),
        sa.Column("linked_at", UTCDateTime, nullable=False),
        sa.Column("undone_by", sa.String(60)),
        sa.Column("undone_at", UTCDateTime),
    )
    op.create_index("ix_links_other", "links", ["other_id"])
