"""Teams, skills, shifts and leaves; load by severity; a queue in order."""

import sqlalchemy as sa
from alembic import op

from shared.store.types import UTCDateTime, json_column

revision = "routing_0003"
down_revision = "routing_0002"


def upgrade() -> None:
    _decisions()
    op.add_column("handlers", sa.Column("areas", json_column()))
    op.add_column("handlers", sa.Column("hours", sa.String(300)))
    op.add_column("handlers", sa.Column("zone", sa.String(64)))
    shifts = sa.Column("has_shifts", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("handlers", shifts)
    # A thousand cases of normal severity, as before: each counts two now.
    op.execute("UPDATE handlers SET capacity = 2000 WHERE capacity = 1000")
    op.create_table(
        "teams",
        sa.Column("unit", sa.String(63), primary_key=True),
        sa.Column("id", sa.String(60), primary_key=True),
        sa.Column("name_zh", sa.String(200), nullable=False),
        sa.Column("name_en", sa.String(200), nullable=False),
        sa.Column("supervisor", sa.String(36)),
        sa.Column("skills", json_column(), nullable=False),
        sa.Column("hands_over", sa.String(10)),
    )
    op.create_table(
        "shifts",
        sa.Column("handler", sa.String(36), primary_key=True),
        sa.Column("starts_at", UTCDateTime, primary_key=True),
        sa.Column("ends_at", UTCDateTime, nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
    )
    op.create_index("ix_shifts_ends", "shifts", ["ends_at"])
    op.create_table(
        "leaves",
        sa.Column("handler", sa.String(36), primary_key=True),
        sa.Column("starts_at", UTCDateTime, primary_key=True),
        sa.Column("ends_at", UTCDateTime, nullable=False),
        sa.Column("substitute", sa.String(36)),
        sa.Column("unit", sa.String(63), nullable=False),
    )
    op.create_index("ix_leaves_ends", "leaves", ["ends_at"])


def _decisions() -> None:
    for column in (
        sa.Column("area", sa.String(100)),
        sa.Column("complainant", sa.String(36)),
        sa.Column("helpers", json_column()),
        sa.Column("weight", sa.Integer, nullable=False, server_default="1"),
        sa.Column("refused", json_column()),
        sa.Column("line", sa.String(32)),
        sa.Column("rank", sa.Integer, nullable=False, server_default="0"),
        sa.Column("waits_since", UTCDateTime),
    ):
        op.add_column("decisions", column)
    op.create_index("ix_decisions_complainant", "decisions", ["complainant"])
    for name, columns, state in (
        ("ix_decisions_waiting", ["line", "rank", "waits_since"], "waiting"),
        ("ix_decisions_handler", ["handler"], "assigned"),
    ):
        chosen = sa.text(f"state = '{state}'")
        op.create_index(name, "decisions", columns, sqlite_where=chosen, postgresql_where=chosen)
