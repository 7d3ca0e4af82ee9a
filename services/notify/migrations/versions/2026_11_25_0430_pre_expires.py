"""An attempt is a lease: when it counts as lost, by the database's clock. Old code goes on without looking."""

import sqlalchemy as sa
from alembic import op

revision = "notify_0002"
down_revision = "notify_0001"


def upgrade() -> None:
    op.add_column("messages", sa.Column("expires", sa.BigInteger))
