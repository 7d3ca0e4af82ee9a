"""Remedies can be listed by what they wait for; the ledger is only ever added to, and the database sees to it."""

import sqlalchemy as sa
from alembic import op

from shared.store.tables import BigId
from shared.store.types import UTCDateTime, json_column

revision = "followup_0006"
down_revision = "followup_0005"

WHY = "the ledger is only ever added to: reverse a payout by another entry"


def upgrade() -> None:
    op.create_table(
        "remedies",
        sa.Column("complaint", sa.String(200), primary_key=True),
        sa.Column("id", sa.String(20), primary_key=True),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("needs", sa.String(20)),
        sa.Column("expires_at", UTCDateTime, nullable=False),
        sa.Column("body", json_column(), nullable=False),
    )
    op.create_index("ix_remedies_unit", "remedies", ["unit", "state", "expires_at"])
    op.create_table(
        "postings",
        sa.Column("id", BigId, primary_key=True, autoincrement=True),
        sa.Column("complaint", sa.String(200), nullable=False),
        sa.Column("number", sa.String(20), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("remedy", sa.String(20), nullable=False),
        sa.Column("entry", sa.String(60), nullable=False),
        sa.Column("account", sa.String(10), nullable=False),
        sa.Column("amount", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("places", sa.Integer, nullable=False),
        sa.Column("month", sa.String(7), nullable=False),
        sa.Column("at", UTCDateTime, nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.UniqueConstraint("complaint", "entry", "account", name="uq_postings_complaint"),
    )
    op.create_index("ix_postings_unit", "postings", ["unit", "id"])
    op.create_index("ix_postings_month", "postings", ["unit", "month", "account"])
    if op.get_bind().dialect.name == "sqlite":
        for done in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER postings_no_{done.lower()} BEFORE {done} ON postings "
                f"BEGIN SELECT RAISE(ABORT, '{WHY}'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION postings_stay() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{WHY}'; END $$"
        )
        op.execute(
            "CREATE TRIGGER postings_stay BEFORE UPDATE OR DELETE ON postings "
            "FOR EACH ROW EXECUTE FUNCTION postings_stay()"
        )
