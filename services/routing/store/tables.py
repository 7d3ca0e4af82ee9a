"""Routing's tables."""

from typing import Final

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
)

from shared.store.tables import NAMING, frame_tables
from shared.store.types import UTCDateTime, json_column

METADATA = MetaData(naming_convention=NAMING)
FRAME = frame_tables(METADATA)
LOOK_AGAIN: Final = "look_again"
QUEUE: Final = "queue"
"""The timers' subject that stands for all who wait."""
TURN: Final = "turn"
"""The queue is looked at."""
ROOM: Final = "room-"
"""Begins the keys of turns that somebody's having room brought about."""
DUTY: Final = "duty"
"""A handler comes or goes by plan."""
END_OF_SHIFT: Final = "end_of_shift"

DECISIONS = Table(
    "decisions",
    METADATA,
    Column("complaint", String(36), primary_key=True),
    Column("number", String(13), nullable=False, unique=True),
    Column("unit", String(63), nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("state", String(10), nullable=False),  # triage | waiting | assigned | done
    Column("kind", String(20), nullable=False),
    Column("categories", json_column(), nullable=False),
    Column("severity", String(10), nullable=False),
    Column("urgency", String(10), nullable=False),
    Column("unsure", Boolean, nullable=False),
    Column("cues", json_column(), nullable=False),
    Column("reasons", json_column(), nullable=False),
    Column("language", String(10), nullable=False),
    Column("text", Text),  # masked; what a correction teaches about
    Column("scope", String(64)),
    Column("emotion", String(64)),
    Column("wants", json_column()),
    Column("area", String(100)),
    Column("complainant", String(36)),
    Column("team", String(60), nullable=False),
    Column("skills", json_column(), nullable=False),
    Column("helpers", json_column()),  # teams beside the one that answers
    Column("handler", String(36)),
    Column(
        "weight", Integer, nullable=False, server_default="1"
    ),  # what it adds to its handler's load
    Column("refused", json_column()),  # who gave it back in this cycle
    Column("line", String(32)),  # those who wait for the same, while it waits
    Column("rank", Integer, nullable=False, server_default="0"),  # the worse, the higher
    Column("waits_since", UTCDateTime),
    Column("choice", json_column(), nullable=False),  # reasons and passed_over of the assignment
    Column("pack", String(63), nullable=False),
    Column("pack_version", String(30), nullable=False),
    Column("model", String(80), nullable=False),
    Column("decided_by", String(100), nullable=False),
    Column("decided_at", UTCDateTime, nullable=False),
)
Index("ix_decisions_open", DECISIONS.c.state, DECISIONS.c.number,
      sqlite_where=text("state IN ('triage', 'waiting')"), postgresql_where=text("state IN ('triage', 'waiting')"))  # fmt: skip
Index("ix_decisions_waiting", DECISIONS.c.line, DECISIONS.c.rank, DECISIONS.c.waits_since,
      sqlite_where=text("state = 'waiting'"), postgresql_where=text("state = 'waiting'"))  # fmt: skip
Index("ix_decisions_handler", DECISIONS.c.handler,
      sqlite_where=text("state = 'assigned'"), postgresql_where=text("state = 'assigned'"))  # fmt: skip
Index("ix_decisions_complainant", DECISIONS.c.complainant)
HANDLERS = Table(
    "handlers",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("unit", String(63), nullable=False),
    Column("team", String(60)),
    Column("skills", json_column()),
    Column("languages", json_column()),
    Column("areas", json_column()),
    Column("hours", String(300)),  # every week; see model/hours.py
    Column("zone", String(64)),
    Column("has_shifts", Boolean, nullable=False, server_default=false()),
    Column("present", Boolean, nullable=False),
    Column("load", Integer, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("last_assigned_at", UTCDateTime),
)
Index("ix_handlers_unit", HANDLERS.c.unit)
TEAMS = Table(
    "teams",
    METADATA,
    Column("unit", String(63), primary_key=True),
    Column("id", String(60), primary_key=True),
    Column("name_zh", String(200), nullable=False),
    Column("name_en", String(200), nullable=False),
    Column("supervisor", String(36)),
    Column("skills", json_column(), nullable=False),
    Column(
        "hands_over", String(10)
    ),  # from which severity open ones are handed over when a shift ends
)
SHIFTS = Table(
    "shifts",
    METADATA,
    Column("handler", String(36), primary_key=True),
    Column("starts_at", UTCDateTime, primary_key=True),
    Column("ends_at", UTCDateTime, nullable=False),
    Column("unit", String(63), nullable=False),
)
Index("ix_shifts_ends", SHIFTS.c.ends_at)
LEAVES = Table(
    "leaves",
    METADATA,
    Column("handler", String(36), primary_key=True),
    Column("starts_at", UTCDateTime, primary_key=True),
    Column("ends_at", UTCDateTime, nullable=False),
    Column("substitute", String(36)),
    Column("unit", String(63), nullable=False),
)
Index("ix_leaves_ends", LEAVES.c.ends_at)
LESSONS = Table(
    "lessons",
    METADATA,
    Column("complaint", String(36), primary_key=True),
    Column("pack", String(63), nullable=False),
    Column("unit", String(63), nullable=False),
    Column("text", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("category", String(64), nullable=False),
    Column("severity", String(10), nullable=False),
    Column("aside", Boolean, nullable=False),  # never learnt from: new models are measured on it
    Column("corrected_at", UTCDateTime, nullable=False),
)
Index("ix_lessons_pack", LESSONS.c.pack)
MODELS = Table(
    "models",
    METADATA,
    Column("pack", String(63), primary_key=True),
    Column("pack_version", String(30), primary_key=True),
    Column("name", String(80), primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("corrections", Integer, nullable=False),
    Column("measured", json_column(), nullable=False),
    Column("made_at", UTCDateTime, nullable=False),
)
MODELS_IN_FORCE = Table(
    "models_in_force",
    METADATA,
    Column("pack", String(63), primary_key=True),
    Column("pack_version", String(30), primary_key=True),
    Column("name", String(80), nullable=False),
    Column("by", String(100), nullable=False),
    Column("since", UTCDateTime, nullable=False),
)
