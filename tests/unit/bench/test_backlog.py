"""Logs stamped out of a recording, and what a floor writes for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from bench.backlog import WARM_UP, Backlog, complaint_of, complaint_parts, number_of
from bench.floors.consumer import Floor
from bench.recording import Life, Recording, Said
from services.notify.store import FRAME
from shared.bus.port import Record, Slot

if TYPE_CHECKING:
    from pathlib import Path

TOPIC = "redress.complaints"


def said(complaint: str, sequence: int) -> Said:
    event = {
        "id": f"event-{sequence}", "source": "/redress/intake", "subject": complaint, "sequence": sequence,
        "data": {"number": "1111-1111-111"},
    }  # fmt: skip
    mark = {"source": "/redress/intake", "subject": complaint, "last_sequence": sequence}
    feed = {
        "position": sequence, "event_id": f"event-{sequence}", "type": "t", "unit": "root", "subject": complaint,
        "number": "1111-1111-111", "event": f"about {complaint}",
    }  # fmt: skip
    return Said(
        TOPIC, orjson.dumps(event).decode(), {"notify": {"progress": [mark], "feed": [feed]}}
    )


LIVES = [
    Life(f"life-{at}", "1111-1111-111", [said(f"life-{at}", 1), said(f"life-{at}", 2)])
    for at in (0, 1)
]
RECORDING = Recording([("key/1", "{}")], LIVES)


def test_a_recording_survives_its_file(tmp_path: Path) -> None:
    RECORDING.write(tmp_path / "recording.json")

    assert Recording.read(tmp_path / "recording.json") == RECORDING


def test_every_copy_has_ids_and_numbers_of_its_own_and_names_its_life() -> None:
    copies = list(Backlog(RECORDING, service="notify", topics=[TOPIC]).copies(6))

    documents = [orjson.loads(message.value) for _, message in copies]
    assert len({one["id"] for one in documents}) == len(documents) == 6
    assert {one["data"]["number"] for one in documents} == {number_of(at) for at in range(3)}
    assert [complaint_parts(one["subject"]) for one in documents[::2]] == [(0, 0), (1, 1), (2, 0)]
    assert all(
        message.key == one["subject"] for (_, message), one in zip(copies, documents, strict=True)
    )
    assert WARM_UP > 0


def test_a_floor_writes_each_events_rows_with_the_copys_ids() -> None:
    backlog = Backlog(RECORDING, service="notify", topics=[TOPIC])
    floor = Floor(backlog, FRAME.metadata.sorted_tables, is_sqlite=True)
    records = [
        Record(Slot(topic, 0), offset, message.key, message.value)
        for offset, (topic, message) in enumerate(backlog.copies(4))
    ]

    rows = floor.rows_of(records)

    marks, feed = rows[floor.writers["progress"]], rows[floor.writers["feed"]]
    assert [one["last_sequence"] for one in marks] == [1, 2, 1, 2]
    assert {one["subject"] for one in marks} == {complaint_of(0, 0), complaint_of(1, 1)}
    assert feed[2]["event"] == f"about {complaint_of(1, 1)}"
    assert feed[2]["number"] == number_of(1)
