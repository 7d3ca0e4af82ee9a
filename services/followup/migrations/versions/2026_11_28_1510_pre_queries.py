"""Cases can be listed by what they are, by their deadlines, their calls and their words; lists can be saved."""

import sqlalchemy as sa
from alembic import op

from shared.store.tables import BigId
from shared.store.types import UTCDateTime, json_column

revision = "followup_0004"
down_revision = "followup_0003"

COLUMNS = (
    sa.Column("category", sa.String(64)),
    sa.Column("severity", sa.String(10)),
    sa.Column("area", sa.String(64)),
    sa.Column("is_open", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("at_risk_at", UTCDateTime),
    sa.Column("call_at", UTCDateTime),
    sa.Column("claimed_by", sa.String(100)),
    sa.Column("claimed_until", UTCDateTime),
)
INDEXES = (
    ("ix_cases_open", ["unit", "complaint"], "is_open IS {true}"),
    ("ix_cases_risk", ["unit", "at_risk_at", "complaint"], "at_risk_at IS NOT NULL"),
    ("ix_cases_call", ["unit", "call_at", "complaint"], "call_at IS NOT NULL"),
)


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    true = "1" if is_sqlite else "true"
    for column in COLUMNS:
        op.add_column("cases", column)
    cases = sa.table(
        "cases", sa.column("state"), sa.column("is_open"), sa.column("callback_due_at"), sa.column("call_at"),
        sa.column("category"), sa.column("severity"), sa.column("body", json_column()),
    )  # fmt: skip
    ended, told = ("closed", "withdrawn"), ("resolved", "callback")
    op.execute(
        sa.update(cases).values(
            is_open=sa.case((cases.c.state.in_(ended), sa.false()), else_=sa.true()),
            call_at=sa.case((cases.c.state.in_(told), cases.c.callback_due_at), else_=sa.null()),
            category=cases.c.body["category"].as_string(),
            severity=cases.c.body["severity"].as_string(),
        )
    )
    for name, columns, where in INDEXES:
        partial = sa.text(where.format(true=true))
        op.create_index(name, "cases", columns, sqlite_where=partial, postgresql_where=partial)
    op.create_table(
        "texts",
        sa.Column("id", BigId, primary_key=True, autoincrement=True),
        sa.Column("complaint", sa.String(200), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("marks", sa.Text, nullable=False),
        sa.Column("is_waiting", sa.Boolean, nullable=False),
        sa.UniqueConstraint("complaint", name="uq_texts_complaint"),
    )
    waiting = sa.text(f"is_waiting IS {true}")
    op.create_index(
        "ix_texts_waiting", "texts", ["id"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_table(
        "views",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("owner", sa.String(100), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("query", json_column(), nullable=False),
        sa.Column("made_at", UTCDateTime, nullable=False),
        sa.UniqueConstraint("owner", "name", name="uq_views_owner"),
    )
    if is_sqlite:
        # How a word begins is a word of its own, else a common one is looked up in time that grows with the texts
        # (8 ms for a million). Two characters are left out: as pairs of Han they are whole words already.
        op.execute(
            "CREATE VIRTUAL TABLE texts_index USING fts5(words, content='', prefix='1 3 4 5 6 7 8')"
        )
    else:
        op.execute("CREATE TABLE texts_index (id bigint PRIMARY KEY, words tsvector NOT NULL)")
        op.execute("CREATE INDEX ix_texts_index_words ON texts_index USING gin (words)")
