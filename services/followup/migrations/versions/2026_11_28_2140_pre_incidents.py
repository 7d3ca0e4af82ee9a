"""Incidents, their members, changes of state on their way to members, bulletins and inspections."""

import sqlalchemy as sa
from alembic import op

from shared.store.types import UTCDateTime, json_column

revision = "followup_0007"
down_revision = "followup_0006"


def upgrade() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("warning", sa.String(36)),
        sa.Column("sign_by", sa.String(64)),
        sa.Column("sign_value", sa.String(200)),
        sa.Column("body", json_column(), nullable=False),
        sa.Column("changed_at", UTCDateTime, nullable=False),
        sa.UniqueConstraint("warning", name="uq_incidents_warning"),
    )
    op.create_table(
        "incident_members",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("incident", sa.String(36), nullable=False),
        sa.Column("complaint", sa.String(200), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("via", sa.String(20), nullable=False),
        sa.Column("position", sa.Integer),
        sa.Column("seen", sa.Integer, nullable=False),
        sa.Column("lacks", json_column()),
        sa.Column("reason", sa.Text),
        sa.Column("asked_at", UTCDateTime, nullable=False),
        sa.Column("look_at", UTCDateTime),
        sa.Column("joined_at", UTCDateTime),
        sa.Column("left_at", UTCDateTime),
        sa.UniqueConstraint("incident", "complaint", name="uq_incident_members_incident"),
    )
    op.create_table(
        "incident_moves",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("incident", sa.String(36), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("result", json_column()),
        sa.Column("after", sa.Integer, nullable=False),
        sa.Column("reached", sa.Integer, nullable=False),
        sa.Column("blocked", sa.Integer, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("begun_at", UTCDateTime, nullable=False),
        sa.Column("ended_at", UTCDateTime),
        sa.UniqueConstraint("incident", "number", name="uq_incident_moves_incident"),
    )
    op.create_table(
        "incident_bulletins",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("incident", sa.String(36), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("members", sa.Integer, nullable=False),
        sa.Column("body", json_column(), nullable=False),
        sa.Column("by", sa.String(100), nullable=False),
        sa.Column("said_at", UTCDateTime, nullable=False),
    )
    op.create_table(
        "incident_inspections",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("incident", sa.String(36), nullable=False),
        sa.Column("unit", sa.String(63), nullable=False),
        sa.Column("object", sa.Text, nullable=False),
        sa.Column("place", sa.Text),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("finding", sa.Text),
        sa.Column("photos", json_column(), nullable=False),
        sa.Column("by", sa.String(100)),
        sa.Column("done_at", UTCDateTime),
        sa.Column("added_at", UTCDateTime, nullable=False),
    )
    _index("ix_incidents_unit", "incidents", ["unit", "id"])
    _index("ix_incidents_sign", "incidents", ["sign_by", "sign_value"], "is_open")
    _index("ix_incident_members_state", "incident_members", ["incident", "state", "position"])
    _index("ix_incident_members_complaint", "incident_members", ["complaint"])
    _index("ix_incident_members_waiting", "incident_members", ["look_at"], "look_at")
    _index("ix_incident_moves_open", "incident_moves", ["incident", "number"], "is_open")
    _index("ix_incident_bulletins_incident", "incident_bulletins", ["incident", "id"])
    _index("ix_incident_inspections_incident", "incident_inspections", ["incident", "id"])


def _index(name: str, table: str, columns: list[str], where: str | None = None) -> None:
    """`where`: over the rows alone of which that is true, or is there."""
    partial = None
    if where == "is_open":
        is_sqlite = op.get_bind().dialect.name == "sqlite"
        partial = sa.text(f"is_open IS {'1' if is_sqlite else 'true'}")
    elif where is not None:
        partial = sa.text(f"{where} IS NOT NULL")
    op.create_index(name, table, columns, sqlite_where=partial, postgresql_where=partial)
