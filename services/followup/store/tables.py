"""Followup's tables."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from shared.store.tables import NAMING, BigId, frame_tables
from shared.store.types import UTCDateTime, json_column

METADATA = MetaData(naming_convention=NAMING)
FRAME = frame_tables(METADATA)

CASES = Table(
    "cases",
    METADATA,
    Column("complaint", String(200), primary_key=True),
    Column("number", String(20), nullable=False, unique=True),
    Column("unit", String(63), nullable=False),
    Column("code_sha256", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("handler", String(100)),
    Column("team", String(64)),
    Column("callback_due_at", UTCDateTime),
    Column("category", String(64)),
    Column("severity", String(10)),
    Column("area", String(64)),
    Column("is_open", Boolean, nullable=False),
    Column("at_risk_at", UTCDateTime),
    Column("call_at", UTCDateTime),
    Column("claimed_by", String(100)),
    Column("claimed_until", UTCDateTime),
    Column("body", json_column(), nullable=False),
    Column("changed_at", UTCDateTime, nullable=False),
    Column("links", Integer),
    Column("seal", String(64)),
)
Index("ix_cases_unit", CASES.c.unit, CASES.c.complaint)
Index("ix_cases_handler", CASES.c.handler, CASES.c.complaint)
for _name in ("severity", "category", "team"):
    # A list of what is rare in a unit would look through all of it else.
    Index(f"ix_cases_{_name}", CASES.c.unit, CASES.c[_name], CASES.c.complaint)
for _name, _columns, _where in (
    ("open", (CASES.c.unit, CASES.c.complaint), CASES.c.is_open.is_(True)),
    (
        "risk",
        (CASES.c.unit, CASES.c.at_risk_at, CASES.c.complaint),
        CASES.c.at_risk_at.is_not(None),
    ),
    ("call", (CASES.c.unit, CASES.c.call_at, CASES.c.complaint), CASES.c.call_at.is_not(None)),
):
    Index(f"ix_cases_{_name}", *_columns, sqlite_where=_where, postgresql_where=_where)
FACTS = Table(
    "facts",
    METADATA,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("complaint", String(200), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("name", String(30), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("by", String(100), nullable=False),
    Column("order", Integer, nullable=False),
    Column("body", json_column(), nullable=False),
    Column("recorded_at", UTCDateTime, nullable=False),
    Column("link", Integer),
    Column("seal", String(64)),
    comment="What happened to each case; the case is their fold.",
)
Index("ix_facts_complaint", FACTS.c.complaint, FACTS.c.id)
CLOCK_FACTS = Table(
    "clock_facts",
    METADATA,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("complaint", String(200), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("clock", String(64), nullable=False),
    Column("fact", String(10), nullable=False),
    Column("at", UTCDateTime, nullable=False),
    Column("episode", Integer, nullable=False),
    Column("basis", Integer, nullable=False),
    Column("since", UTCDateTime),
    Column("started_at", UTCDateTime),
    Column("due_at", UTCDateTime),
    Column("statutory_due_at", UTCDateTime),
    Column("term", String(10), nullable=False),
    Column("calendar", String(64), nullable=False),
    Column("rule", String(400), nullable=False),
    Column("fraction", Float),
    Column("revision", Integer, nullable=False),
    Column("resumes_at", UTCDateTime),
    Column("recorded_at", UTCDateTime, nullable=False),
    Column("link", Integer),
    Column("seal", String(64)),
    comment="What happened to each clock of each case; never an elapsed number.",
)
Index("ix_clock_facts_complaint", CLOCK_FACTS.c.complaint, CLOCK_FACTS.c.id)
TEXTS = Table(
    "texts",
    METADATA,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("complaint", String(200), nullable=False, unique=True),
    Column("unit", String(63), nullable=False),
    Column("said", Text, nullable=False),
    Column("marks", Text, nullable=False),
    Column("is_waiting", Boolean, nullable=False),
    comment="The words of each complaint (masked), to be searched; waiting until the indexer has them.",
)
Index(
    "ix_texts_waiting",
    TEXTS.c.id,
    sqlite_where=TEXTS.c.is_waiting.is_(True),
    postgresql_where=TEXTS.c.is_waiting.is_(True),
)
VIEWS = Table(
    "views",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("owner", String(100), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("name", String(100), nullable=False),
    Column("query", json_column(), nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
    UniqueConstraint("owner", "name"),
    comment="Lists of cases that people saved under a name.",
)
READS = Table(
    "reads",
    METADATA,
    Column("id", BigId, primary_key=True, autoincrement=True),
    Column("complaint", String(200), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("by", String(100), nullable=False),
    Column("what", String(20), nullable=False),
    Column("reason", String(200)),
    Column("recorded_at", UTCDateTime, nullable=False),
    Column("link", Integer, nullable=False),
    Column("seal", String(64), nullable=False),
    comment="Who read a case's words, and what for; entries of its record like its facts.",
)
Index("ix_reads_complaint", READS.c.complaint, READS.c.id)
DAYS = Table(
    "days",
    METADATA,
    Column("day", String(10), primary_key=True),
    Column("cases", Integer, nullable=False),
    Column("seal", String(64), nullable=False),
    Column("after_fact", BigInteger, nullable=False),
    Column("after_clock_fact", BigInteger, nullable=False),
    Column("after_read", BigInteger, nullable=False),
    Column("sealed_at", UTCDateTime, nullable=False),
    comment="A seal a day (UTC) over the last entries that the day left in each case's record, and the day before.",
)
PROMISES = Table(
    "promises",
    METADATA,
    Column("id", String(100), primary_key=True),
    Column("complaint", String(200), nullable=False),
    Column("number", String(20), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("state", String(10), nullable=False),
    Column("what", Text, nullable=False),
    Column("who", Text),
    Column("made_at", UTCDateTime, nullable=False),
    Column("due_at", UTCDateTime, nullable=False),
    Column("settled_at", UTCDateTime),
    comment="What customers were told will happen, as the facts say it: to list it, and to count what was kept.",
)
Index("ix_promises_unit", PROMISES.c.unit, PROMISES.c.due_at, PROMISES.c.id)
INCIDENTS = Table(
    "incidents",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("unit", String(63), nullable=False),
    Column("state", String(20), nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    Column("warning", String(36), unique=True),
    Column("sign_by", String(64)),
    Column("sign_value", String(200)),
    Column("body", json_column(), nullable=False),
    Column("changed_at", UTCDateTime, nullable=False),
    comment="One cause behind many complaints; the body is what its events say.",
)
Index("ix_incidents_unit", INCIDENTS.c.unit, INCIDENTS.c.id)
Index(
    "ix_incidents_sign",
    INCIDENTS.c.sign_by,
    INCIDENTS.c.sign_value,
    sqlite_where=INCIDENTS.c.is_open.is_(True),
    postgresql_where=INCIDENTS.c.is_open.is_(True),
)
MEMBERS = Table(
    "incident_members",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("incident", String(36), nullable=False),
    Column("complaint", String(200), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("state", String(10), nullable=False),  # waiting, in, out
    Column("via", String(20), nullable=False),
    Column("position", Integer),  # in the order of joining
    Column("seen", Integer, nullable=False),  # the last move that its case knows of
    Column("lacks", json_column()),
    Column("reason", Text),
    Column("asked_at", UTCDateTime, nullable=False),
    Column("look_at", UTCDateTime),  # while it waits
    Column("joined_at", UTCDateTime),
    Column("left_at", UTCDateTime),
    UniqueConstraint("incident", "complaint"),
    comment="Complaints of incidents: who waits to be taken in, who is in, who left.",
)
Index("ix_incident_members_state", MEMBERS.c.incident, MEMBERS.c.state, MEMBERS.c.position)
Index("ix_incident_members_complaint", MEMBERS.c.complaint)
Index(
    "ix_incident_members_waiting",
    MEMBERS.c.look_at,
    sqlite_where=MEMBERS.c.look_at.is_not(None),
    postgresql_where=MEMBERS.c.look_at.is_not(None),
)
MOVES = Table(
    "incident_moves",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("incident", String(36), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", String(20), nullable=False),
    Column("by", String(100), nullable=False),
    Column("result", json_column()),
    Column("after", Integer, nullable=False),  # the position of the last member that was reached
    Column("reached", Integer, nullable=False),
    Column("blocked", Integer, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("begun_at", UTCDateTime, nullable=False),
    Column("ended_at", UTCDateTime),
    UniqueConstraint("incident", "number"),
    comment="Changes of an incident's state on their way to all its members, page by page.",
)
Index(
    "ix_incident_moves_open",
    MOVES.c.incident,
    MOVES.c.number,
    sqlite_where=MOVES.c.is_open.is_(True),
    postgresql_where=MOVES.c.is_open.is_(True),
)
BULLETINS = Table(
    "incident_bulletins",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("incident", String(36), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("members", Integer, nullable=False),
    Column("body", json_column(), nullable=False),
    Column("by", String(100), nullable=False),
    Column("said_at", UTCDateTime, nullable=False),
    comment="What members were told together.",
)
Index("ix_incident_bulletins_incident", BULLETINS.c.incident, BULLETINS.c.id)
INSPECTIONS = Table(
    "incident_inspections",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("incident", String(36), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("object", Text, nullable=False),
    Column("place", Text),
    Column("state", String(10), nullable=False),  # open, fine, faulty
    Column("finding", Text),
    Column("photos", json_column(), nullable=False),
    Column("by", String(100)),
    Column("done_at", UTCDateTime),
    Column("added_at", UTCDateTime, nullable=False),
    comment="Like objects that are looked at because of an incident (排查), and what was found.",
)
Index("ix_incident_inspections_incident", INSPECTIONS.c.incident, INSPECTIONS.c.id)
