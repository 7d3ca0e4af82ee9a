"""Who signs in at the company's identity provider."""

import sqlalchemy as sa
from alembic import op

from shared.store.types import UTCDateTime

revision = "desk_0005"
down_revision = "desk_0004"


def upgrade() -> None:
    op.create_table(
        "flows",
        sa.Column(
            "id", sa.String(64), primary_key=True, comment="SHA-256 of the state the browser holds"
        ),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("verifier", sa.String(128), nullable=False),
        sa.Column("to", sa.Text, nullable=False),
        sa.Column("created_at", UTCDateTime, nullable=False),
        comment="Who was sent to the identity provider and has not come back.",
    )
    op.create_index("ix_flows_created_at", "flows", ["created_at"])
    op.create_table(
        "identities",
        sa.Column("id", sa.String(64), primary_key=True, comment="SHA-256 of issuer and subject"),
        sa.Column("account", sa.String(36), nullable=False, unique=True),
        sa.Column("created_at", UTCDateTime, nullable=False),
        comment="Accounts of those who sign in at the identity provider.",
    )
