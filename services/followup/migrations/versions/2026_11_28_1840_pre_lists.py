"""Lists by severity, category and team cost the same however many cases a unit has."""

from alembic import op

revision = "followup_0005"
down_revision = "followup_0004"


def upgrade() -> None:
    for name in ("severity", "category", "team"):
        op.create_index(f"ix_cases_{name}", "cases", ["unit", name, "complaint"])
