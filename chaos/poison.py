"""Records that no consumer can apply, each wrong in its own way."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from shared.contracts.catalogue import TOPICS

if TYPE_CHECKING:
    from collections.abc import Mapping


def bad_records(name: str) -> Mapping[str, tuple[str, bytes]]:
    """What is wrong → a topic and a record for it; the subject is `name` and what is wrong."""
    complaints, cases = TOPICS["intake"], TOPICS["followup"]

    def event(kind: str, **changes: Any) -> bytes:
        document = {
            "specversion": "1.0",
            "id": f"{name}-{kind}",
            "source": "/redress/intake",
            "type": "redress.complaint.received.v1",
            "subject": f"{name}-{kind}",
            "time": datetime.now(UTC).isoformat(),
            "sequence": 1,
            "unit": "root",
            "data": {},
        }
        return json.dumps({**document, **changes}).encode()

    return {
        "not-json": (complaints, b"{"),
        "not-utf8": (complaints, b"\xff\xfe\x00"),
        "not-an-object": (cases, b"[]"),
        "no-id": (complaints, event("no-id", id=None)),
        "old-envelope": (cases, event("old-envelope", specversion="0.3")),
        "nan": (complaints, event("nan", sequence=float("nan"))),
        "no-data": (complaints, event("no-data")),
        "wrong-data": (complaints, event("wrong-data", data={"number": 7, "text": ["x"]})),
        "newer": (complaints, event("newer", type="redress.complaint.received.v9")),
        "gap": (complaints, event("gap", sequence=5)),
        "unknown-type": (
            cases,
            event("unknown-type", type="redress.case.forgotten.v1", source="/redress/followup"),
        ),
        "large": (complaints, event("large", data={"text": "x" * 200_000})),
    }
