"""A consumer that was built on the last release keeps working."""

from __future__ import annotations

import copy
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from dev.contracts import BASELINE, Contract, at_last_tag, breaks, fields_of, present, read, written
from dev.docs import ROOT, schema_of
from shared.contracts.followup import CaseOpened

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Schema = dict[str, Any]
TYPE = "redress.thing.done.v1"


def schema() -> Schema:
    return {
        "type": "object",
        "required": ["id", "data"],
        "properties": {
            "id": {"type": "string"},
            "data": {"$ref": "#/$defs/Done"},
        },
        "$defs": {
            "Done": {
                "type": "object",
                "required": ["number", "state", "steps"],
                "properties": {
                    "number": {"type": "string"},
                    "state": {"enum": ["open", "done"], "type": "string"},
                    "steps": {"type": "array", "items": {"$ref": "#/$defs/Step"}},
                    "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                    "tokens": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            },
            "Step": {
                "type": "object",
                "required": ["at"],
                "properties": {"at": {"type": "string", "format": "date-time"}},
            },
        },
    }


def done(of: Schema) -> Schema:
    found: Schema = of["$defs"]["Done"]["properties"]
    return found


def compared(change: Callable[[Schema], object]) -> list[str]:
    changed = copy.deepcopy(schema())
    change(changed)
    return breaks(
        {TYPE: Contract(None, fields_of(schema()))}, {TYPE: Contract(None, fields_of(changed))}
    )


def test_what_was_released_is_still_said() -> None:
    found = breaks(read(BASELINE.read_text(encoding="utf-8")), present())

    assert found == [], "say a new version beside the old one; see CONTRIBUTING.md"


def test_what_the_last_tag_published_is_still_said() -> None:
    tagged = at_last_tag(ROOT)
    if tagged is None:
        pytest.skip("there is no tag yet, or no git")

    assert breaks(tagged[1], present()) == []


def test_the_fields_of_an_event_are_found_with_their_types() -> None:
    fields = fields_of(schema_of(CaseOpened))

    assert fields["data.clocks[].due_at"].types == {"string/date-time"}
    assert fields["data.owner.handler"].types == {"string", "null"}
    assert "critical" in (fields["data.severity"].values or ())
    assert fields["data.number"].is_required
    assert fields["source"].values == frozenset({"/redress/followup"})


def test_the_baseline_says_what_was_written() -> None:
    assert read(written(present())) == present()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda s: done(s).pop("number"), "data.number is gone"),
        (lambda s: done(s).pop("steps"), "data.steps is gone"),
        (lambda s: done(s).update(number={"type": "integer"}), "data.number may be integer now"),
        (lambda s: done(s).update(number={"anyOf": [{"type": "string"}, {"type": "null"}]}), "may be null now"),
        (lambda s: s["$defs"]["Done"]["required"].remove("number"), "data.number may be missing now"),
        (lambda s: s["$defs"]["Step"].update(required=[]), "data.steps[].at may be missing now"),
        (lambda s: done(s)["state"].update(enum=["open"]), "data.state is never done any more"),
        (lambda s: done(s).update(state={"type": "string"}), "data.state may have any value now"),
        (lambda s: done(s)["tokens"].update(additionalProperties={"type": "integer"}), "data.tokens{} may be integer"),
        (lambda s: s["$defs"]["Step"]["properties"].update(at={"type": "string"}), "data.steps[].at may be string now"),
    ],
)  # fmt: skip
def test_a_change_that_breaks_a_consumer_is_named(
    change: Callable[[Schema], object], reason: str
) -> None:
    [found] = compared(change)

    assert reason in found


@pytest.mark.parametrize(
    "change",
    [
        lambda _: None,
        lambda s: done(s).update(later={"type": "string"}),
        lambda s: s["$defs"]["Done"]["required"].append("note"),
        lambda s: done(s)["state"].update(enum=["open", "done", "waived"]),
        lambda s: done(s).update(note={"type": "string"}),
    ],
)
def test_what_is_added_breaks_nobody(change: Callable[[Schema], object]) -> None:
    assert compared(change) == []


def test_an_event_that_is_gone_or_moved_is_named() -> None:
    fields = fields_of(schema())
    old = {TYPE: Contract("redress.cases", fields)}

    assert "not said any more" in breaks(old, {})[0]
    assert "moved from redress.cases" in breaks(old, {TYPE: Contract("redress.x", fields)})[0]


def test_the_last_tag_is_read_from_what_it_published(tmp_path: Path) -> None:
    program = shutil.which("git")
    if program is None:
        pytest.skip("there is no git")
    identity = ("user.name=t", "user.email=t@example.com", "commit.gpgsign=false")
    options = [part for one in identity for part in ("-c", one)]

    def git(*arguments: str) -> None:
        command = [program, "-C", str(tmp_path), *options, *arguments]
        subprocess.run(command, check=True, capture_output=True)

    git("init")
    assert at_last_tag(tmp_path) is None
    shutil.copytree(ROOT / "docs" / "events", tmp_path / "docs" / "events")
    git("add", ".")
    git("commit", "-m", "events")
    git("tag", "-m", "v", "v1.2.0")

    tagged = at_last_tag(tmp_path)

    assert tagged is not None
    assert tagged[0] == "v1.2.0"
    assert breaks(tagged[1], present()) == []
    assert tagged[1].keys() == present().keys()
