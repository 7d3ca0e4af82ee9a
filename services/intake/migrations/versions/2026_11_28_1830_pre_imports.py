"""Imports, the rows of them that were refused, and mappings by name."""

import sqlalchemy as sa
from alembic import op

from shared.store.types import UTCDateTime, json_column

revision = "intake_imports"
down_revision = "intake_service_events"


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("is_dry", sa.Boolean, nullable=False),
        sa.Column("file_hash", sa.String(64), nullable=False),
        sa.Column("columns", json_column(), nullable=False),
        sa.Column("brought_by", sa.String(60), nullable=False),
        sa.Column("channel", sa.String(20)),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("last_row", sa.Integer, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("taken", sa.Integer, nullable=False),
        sa.Column("known", sa.Integer, nullable=False),
        sa.Column("refused", sa.Integer, nullable=False),
        sa.Column("detail", json_column()),
        sa.Column("data_key", sa.LargeBinary),
        sa.Column("created_at", UTCDateTime, nullable=False),
        sa.Column("changed_at", UTCDateTime, nullable=False),
        sa.UniqueConstraint("unit", "kind", "is_dry", "file_hash", name="uq_imports_unit"),
    )
    op.create_index("ix_imports_state", "imports", ["state"])
    op.create_table(
        "refused_rows",
        sa.Column("import_id", sa.String(36), primary_key=True),
        sa.Column("row", sa.Integer, primary_key=True),
        sa.Column("errors", json_column(), nullable=False),
    )
    op.create_table(
        "import_mappings",
        sa.Column("unit", sa.String(63), primary_key=True),
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("columns", json_column(), nullable=False),
    )
