"""Intake's tables: complaints and messages masked, and the vault, where everything personal is sealed."""

from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    Text,
    text,
)

from shared.store.tables import NAMING, BigId, frame_tables
from shared.store.types import UTCDateTime, json_column

METADATA = MetaData(naming_convention=NAMING)
FRAME = frame_tables(METADATA)

COMPLAINTS = Table(
    "complaints",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("number", String(13), nullable=False, unique=True),
    Column("unit", String(63), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("external_id", String(300)),
    Column("language", String(5), nullable=False),
    Column("text", Text, nullable=False),
    Column("facts", json_column(), nullable=False),
    Column("received_at", UTCDateTime, nullable=False),
    Column("complainant_id", String(36), nullable=False),
    Column("pack", String(63), nullable=False),
    Column("pack_version", String(30), nullable=False),
    Column("received_by", String(60), nullable=False),
    Column("original", LargeBinary, nullable=False),
    Column("code", LargeBinary, nullable=False),
    Column("matched_at", UTCDateTime),
    comment="Complaints, masked; `original` (as received) and `code` are sealed in the complainant's box.",
)
Index("ix_complaints_unit", COMPLAINTS.c.unit, COMPLAINTS.c.id)
Index("ix_complaints_complainant", COMPLAINTS.c.complainant_id)
Index(
    "ix_complaints_unmatched",
    COMPLAINTS.c.id,
    sqlite_where=text("matched_at IS NULL"),
    postgresql_where=text("matched_at IS NULL"),
)

MESSAGES = Table(
    "messages",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("complaint_id", String(36), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("by", String(11), nullable=False),
    Column("added_by", String(60), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("language", String(5), nullable=False),
    Column("text", Text, nullable=False),
    Column("attachments", json_column(), nullable=False),
    Column("added_at", UTCDateTime, nullable=False),
    Column("original", LargeBinary, nullable=False),
    comment="What was added to complaints, masked; `original` is sealed in the complainant's box.",
)
Index("ix_messages_complaint", MESSAGES.c.complaint_id, MESSAGES.c.id)

COMPLAINANTS = Table(
    "complainants",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("unit", String(63), nullable=False),
    Column("data_key", LargeBinary),
    Column("profile", LargeBinary),
    Column("anonymous", Boolean, nullable=False),
    Column("created_at", UTCDateTime, nullable=False),
    Column("erased_at", UTCDateTime),
    Column("customer", String(64)),
    comment="The vault: a wrapped data key and a sealed profile each. Erasing deletes the key. `customer`: the blind "
    "index of the number by which a known customer's row is found again.",
)
Index("uq_complainants_customer", COMPLAINANTS.c.unit, COMPLAINANTS.c.customer, unique=True)
CONTACT_POINTS = Table(
    "contact_points",
    METADATA,
    Column("token", String(64), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("complainant_id", String(36), primary_key=True),
    Column("unit", String(63), nullable=False),
    comment="The vault's blind index: whose contact point a value is, without the value.",
)
Index("ix_contact_points_complainant", CONTACT_POINTS.c.complainant_id)
OWNED = Table(
    "owned",
    METADATA,
    Column("token", String(64), primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("complainant_id", String(36), primary_key=True),
    Column("unit", String(63), nullable=False),
    comment="The blind index of what known customers own: meters, cars, rooms, batches.",
)
Index("ix_owned_complainant", OWNED.c.complainant_id)
STAFF = Table(
    "staff_contacts",
    METADATA,
    Column("account", String(60), primary_key=True),
    Column("unit", String(63), nullable=False),
    Column("data_key", LargeBinary, nullable=False),
    Column("profile", LargeBinary, nullable=False),
    Column("changed_at", UTCDateTime, nullable=False),
    comment="The vault: where members of staff can be reached, sealed.",
)
ERASURES = Table(
    "erasures",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("unit", String(63), nullable=False),
    Column("complainants", json_column(), nullable=False),
    Column("state", String(10), nullable=False),  # requested | erased | complete
    Column("reason", String(200)),
    Column("requested_by", String(60), nullable=False),
    Column("requested_at", UTCDateTime, nullable=False),
    Column("approved_by", String(60)),
    Column("approved_at", UTCDateTime),
    Column("completed_at", UTCDateTime),
    Column("proof", json_column(), nullable=False),
    comment="Who asked for whose erasure, who agreed, and what was done when.",
)
ATTACHMENTS = Table(
    "attachments",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("unit", String(63), nullable=False),
    Column("owner", String(60), nullable=False),
    Column("media_type", String(100), nullable=False),
    Column("size", Integer, nullable=False),
    Column("name", LargeBinary),
    Column("data_key", LargeBinary, nullable=False),
    Column("complaint_id", String(36)),
    Column("created_at", UTCDateTime, nullable=False),
    Column("scan", String(10)),  # waiting | clean | infected | lost; none where no scanner was set
    comment="Files kept sealed on disk; once taken by a complaint, their keys are sealed in the complainant's box.",
)
Index(
    "ix_attachments_unscanned",
    ATTACHMENTS.c.id,
    sqlite_where=text("scan = 'waiting'"),
    postgresql_where=text("scan = 'waiting'"),
)
MATTERS = Table(
    "matters",
    METADATA,
    Column("token", String(64), primary_key=True),
    Column("complaint_id", String(36), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("received_at", UTCDateTime, nullable=False),
    comment="The last complaint of each person about each reference: the keyed token is of both together.",
)
Index("ix_matters_complaint", MATTERS.c.complaint_id)
TRAITS = Table(
    "traits",
    METADATA,
    Column("unit", String(63), primary_key=True),
    Column("kind", String(10), primary_key=True),  # reference | contact | batch
    Column("value", String(64), primary_key=True),
    Column("complaint_id", String(36), primary_key=True),
    sqlite_with_rowid=False,
    comment="What likely duplicates have in common: keyed tokens.",
)
Index("ix_traits_complaint", TRAITS.c.complaint_id)
SIGNATURES = Table(
    "signatures",
    METADATA,
    Column("complaint_id", String(36), primary_key=True),
    Column("signature", String(128), nullable=False),
    comment="The MinHash of each masked text.",
)
LINKS = Table(
    "links",
    METADATA,
    Column("complaint_id", String(36), primary_key=True),
    Column("other_id", String(36), primary_key=True),
    Column("unit", String(63), nullable=False),
    Column("score", Float, nullable=False),
    Column("reasons", json_column(), nullable=False),
    Column("linked_at", UTCDateTime, nullable=False),
    Column("undone_by", String(60)),
    Column("undone_at", UTCDateTime),
    comment="Complaints that are likely about the same, the later one first; never merged. The only place that links.",
)
Index("ix_links_other", LINKS.c.other_id)
READS = Table(
    "reads",
    METADATA,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("reader", String(60), nullable=False),
    Column("what", String(20), nullable=False),
    Column("target", String(36), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("reason", String(200)),
    comment="Who read or changed what of the vault, when, and what for.",
)
Index("ix_reads_target", READS.c.target)

Found = Row[Any]
"""A row of one of the queries below."""
