"""`redress understand` against a system that answers what is written down here."""

import json

from tests.unit.cli.conftest import Redress, System

FOUND = {
    "kind": {"value": "complaint", "score": 0.93},
    "categories": [
        {
            "code": "PWR-MTR",
            "score": 0.81,
            "evidence": [{"word": "电表", "place": "text", "start": 3, "end": 5, "weight": 1.0, "by": "words"}],
        }
    ],
    "severity": {
        "value": "critical",
        "cues": [{"id": "life_danger_now", "effect": "critical",
                  "evidence": [{"word": "冒烟", "place": "text", "start": 5, "end": 7, "weight": 1.0, "by": "words"}]}],
    },
    "urgency": "immediate", "scope": "one", "emotion": "calm", "wants": ["solution"], "language": "zh",
    "unsure": False, "team": "metering", "pack": "power", "pack_version": "1.0", "model": "power-1",
    "reasons": [{"code": "kind:complaint", "zh": "投诉", "en": "Complaint"}],
}  # fmt: skip


def test_the_text_is_told_with_what_speaks_for_it(redress: Redress, system: System) -> None:
    system.answer("POST /routing/v1/understand", (200, FOUND))

    ended = redress("understand", "我家的电表冒烟", "--pack", "power")

    assert ended.code == 0
    for part in (
        "我家的电表冒烟",
        "PWR-MTR",
        "critical",
        "immediate",
        "solution",
        "power@1.0",
        "Complaint",
    ):
        assert part in ended.out
    assert system.bodies("POST /routing/v1/understand") == [
        {"text": "我家的电表冒烟", "pack": "power"}
    ]


def test_as_json_it_is_the_answer_itself(redress: Redress, system: System) -> None:
    system.answer("POST /routing/v1/understand", (200, FOUND))

    ended = redress("understand", "电表冒烟", "--json")

    assert json.loads(ended.out) == FOUND


def test_a_pack_that_nobody_knows_is_told_with_its_field(redress: Redress, system: System) -> None:
    problem = {
        "title": "Invalid",
        "status": 422,
        "errors": [{"field": "pack", "code": "unknown", "message": "is none of power"}],
    }
    system.answer("POST /routing/v1/understand", (422, problem))

    ended = redress("understand", "x", "--pack", "nope")

    assert ended.code == 1
    assert "pack: is none of power" in ended.err
