"""A small system that kept every promise, to be broken in one place at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from redress.verify.model import Books, Entry, Planned, Said, Shown, System
from shared.bus.port import Slot
from shared.store.progress import Key

START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
ID, NUMBER, KEY = "c1", "9641-0972-681", "k1"
COMPLAINTS, CASES = Slot("redress.complaints", 0), Slot("redress.cases", 0)
INTAKE, FOLLOWUP = Key("/redress/intake", ID), Key("/redress/followup", ID)
DUE = START + timedelta(minutes=5)


def said(at: int, slot: Slot, key: Key, sequence: int, type_: str, data: dict[str, Any] | None = None) -> Said:  # fmt: skip
    return Said(
        slot, at, f"e-{key.source[-2:]}-{sequence}", key, sequence, f"redress.{type_}.v1",
        START + timedelta(minutes=6), data,
    )  # fmt: skip


def clock(name: str, due_at: datetime = DUE) -> dict[str, Any]:
    started = START.isoformat()
    return {
        "cycle": 1,
        "clock": {"name": name, "started_at": started, "due_at": due_at.isoformat()},
    }


def remedy(at: int, sequence: int, name: str, **more: str) -> Said:
    """What is said of a remedy that a second person approved."""
    values = {
        "id": "r1.1",
        "needs": "supervisor",
        "proposed_by": "account/an",
        "approved_by": "account/su",
    }
    data = {"remedy": values | {"reference": f"{NUMBER}-r1.1-1"} | more}
    return said(at, CASES, FOLLOWUP, sequence, f"remedy.{name}", data)


LOG = (
    said(0, COMPLAINTS, INTAKE, 1, "complaint.received"),
    said(0, CASES, FOLLOWUP, 1, "case.opened"),
    said(1, CASES, FOLLOWUP, 2, "clock.breached", clock("acknowledge")),
)


def books(**changes: Any) -> Books:
    return Books(**({"outbox": {}, "refused": {}, "progress": {}, "parked": {}, "errors": {}} | changes))  # fmt: skip


def honest(**changes: Any) -> System:
    """The system, with some of it put otherwise."""
    intake = books(outbox={"e-ke-1": True})
    followup = books(outbox={"e-up-1": True, "e-up-2": True}, progress={INTAKE: 1})
    notify = books(progress={INTAKE: 1, FOLLOWUP: 2})
    whole: dict[str, Any] = {
        "taken_at": START + timedelta(minutes=10),
        "complaints": {ID: NUMBER},
        "keys": {KEY: ID},
        "decisions": {ID: ("assigned", "h1")},
        "loads": {"h1": 1},
        "cases": {ID: NUMBER},
        "receipts": {ID: 1},
        "messages": [Planned("m1", ID, NUMBER, 1, "complainant", "acknowledgement", "accepted", 1)],
        "feed": [Shown(1, "e-ke-1"), Shown(2, "e-up-1"), Shown(3, "e-up-2")],
        "books": {"intake": intake, "followup": followup, "notify": notify},
        "log": LOG,
        "committed": {"followup": {COMPLAINTS: 1}, "notify": {COMPLAINTS: 1, CASES: 2}},
        "consumes": {
            "followup": frozenset({"/redress/intake"}),
            "notify": frozenset({"/redress/intake", "/redress/followup"}),
        },
    }
    whole |= changes
    return System(**({"later": whole["books"]} | whole))


def entry(op: str, **fields: str) -> Entry:
    return Entry(START, op, **fields)


JOURNAL = (
    entry("invoke", key=KEY),
    entry("unknown", key=KEY),
    entry("invoke", key=KEY),
    entry("ok", key=KEY, number=NUMBER),
    entry("mail", number=NUMBER, message="m1"),
)
