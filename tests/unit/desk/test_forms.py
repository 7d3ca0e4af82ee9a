"""Forms made of schemas, and what they stand for."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from pydantic import AwareDatetime, BaseModel

from services.desk.policy.forms import body_of, fields_of, with_options

ZONE = ZoneInfo("Asia/Shanghai")


class Part(BaseModel):
    what: str
    by: AwareDatetime


class Sent(BaseModel):
    reason: str
    heard: bool = True
    accepted: bool
    actions: tuple[Part, ...]
    promised: Part | None = None
    evidence: tuple[str, ...] = ()
    values: dict[str, str] = {}


FIELDS = fields_of(Sent.model_json_schema())


def test_a_schema_becomes_fields_that_must_be_filled_first() -> None:
    found = [(one.name, one.widget, one.required) for one in FIELDS]

    assert found == [
        ("reason", "line", True),
        ("accepted", "choice", True),
        ("actions.0.what", "line", True),
        ("actions.0.by", "moment", True),
        ("heard", "check", False),
        ("promised.what", "line", False),
        ("promised.by", "moment", False),
        ("evidence", "lines", False),
        ("values", "pairs", False),
    ]


def test_a_filled_form_is_the_body_that_the_command_takes() -> None:
    body = body_of(
        FIELDS,
        {
            "reason": " 换人 ", "accepted": "false", "actions.0.what": "上门",
            "actions.0.by": "2026-03-02T10:00", "evidence": "照片\r\n\r\n录音", "values": "amount：200\nwhen: 昨天",
        },
        ZONE,
    )  # fmt: skip

    assert body == {
        "reason": "换人",
        "accepted": False,
        "heard": False,
        "actions": [{"what": "上门", "by": "2026-03-02T10:00:00+08:00"}],
        "evidence": ["照片", "录音"],
        "values": {"amount": "200", "when": "昨天"},
    }
    Sent.model_validate(body)


def test_an_optional_part_is_left_out_whole_or_sent_as_far_as_it_is_filled() -> None:
    assert "promised" not in body_of(FIELDS, {"promised.what": " "}, ZONE)
    assert body_of(FIELDS, {"promised.what": "x"}, ZONE)["promised"] == {"what": "x"}


@pytest.mark.parametrize("text", ["tomorrow", "2026-13-01T00:00"])
def test_a_time_that_is_none_goes_to_the_service_as_it_was_typed(text: str) -> None:
    assert body_of(FIELDS, {"actions.0.by": text}, ZONE)["actions"] == [{"by": text}]


def test_a_line_with_known_values_becomes_a_choice() -> None:
    [reason, *_] = with_options(FIELDS, {"reason": ["a", "b"]})

    assert (reason.widget, reason.options) == ("choice", ("a", "b"))
