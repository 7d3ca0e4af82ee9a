"""What else was understood, the corrections to learn from, and the models learnt."""

import sqlalchemy as sa
from alembic import op

from shared.store.types import UTCDateTime, json_column

revision = "routing_0002"
down_revision = "routing_0001"


def upgrade() -> None:
    with op.batch_alter_table("decisions") as decisions:
        decisions.add_column(sa.Column("text", sa.Text))
        decisions.add_column(sa.Column("scope", sa.String(64)))
        decisions.add_column(sa.Column("emotion", sa.String(64)))
        decisions.add_column(sa.Column("wants", json_column()))
        decisions.alter_column("model", type_=sa.String(80), existing_type=sa.String(30))
    op.create_table(
        "lessons",
        sa.Column("complaint", sa.String(36), primary_key=True),
        sa.Column("pack", sa.String(63), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("category", sa.String(64), nullable=False),
        sa.Column("severity", sa.String(10), nullable=False),
        sa.Column("aside", sa.Boolean, nullable=False),
        sa.Column("corrected_at", UTCDateTime, nullable=False),
    )
    op.create_index("ix_lessons_pack", "lessons", ["pack"])
    op.create_table(
        "models",
        sa.Column("pack", sa.String(63), primary_key=True),
        sa.Column("pack_version", sa.String(30), primary_key=True),
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("corrections", sa.Integer, nullable=False),
        sa.Column("measured", json_column(), nullable=False),
        sa.Column("made_at", UTCDateTime, nullable=False),
    )
    op.create_table(
        "models_in_force",
        sa.Column("pack", sa.String(63), primary_key=True),
        sa.Column("pack_version", sa.String(30), primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("since", UTCDateTime, nullable=False),
    )
