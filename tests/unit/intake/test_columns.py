"""Columns by their names, and the complaint in a row."""

from __future__ import annotations

import pytest

from services.intake.policy.columns import body_of, mapped
from shared.errors import Invalid


def test_columns_are_known_by_the_names_that_they_have_elsewhere_and_by_what_is_said_of_them() -> (
    None
):
    header = ["投诉内容", "姓名", "手机号", "订单号", "备注", "Ticket"]

    fields = mapped(header, {"备注": "-", "Ticket": "external_id"}, is_history=False)

    assert fields == ("text", "name", "phone", "reference.order", "-", "external_id")


@pytest.mark.parametrize(("header", "given", "wrong"), [
    (["内容", "颜色"], {}, ["颜色"]), (["内容", "描述"], {}, ["text"]), (["姓名"], {}, ["text"]),
    (["内容", "a"], {"a": "reference.X"}, ["a"]), (["内容", "受理时间"], {}, ["受理时间"]), ([], {}, ["text"]),
])  # fmt: skip
def test_every_wrong_column_is_named(
    header: list[str], given: dict[str, str], wrong: list[str]
) -> None:
    with pytest.raises(Invalid) as refused:
        mapped(header, given, is_history=False)

    assert [one.field for one in refused.value.errors] == wrong


@pytest.mark.parametrize(("cell", "time"), [
    ("2026-03-02 09:00", "2026-03-02T09:00:00+08:00"), ("2026/3/2", "2026-03-02T00:00:00+08:00"),
    ("2026年3月2日 9:05", "2026-03-02T09:05:00+08:00"), ("2026-03-02T01:00:00Z", "2026-03-02T01:00:00+00:00"),
    ("46083.375", "2026-03-02T09:00:00+08:00"),
])  # fmt: skip
def test_times_are_read_as_people_and_spreadsheets_write_them(cell: str, time: str) -> None:
    assert (
        body_of(("text", "occurred_at"), ["坏了", cell], zone="Asia/Shanghai")["occurred_at"]
        == time
    )


@pytest.mark.parametrize("cell", ["昨天", "2026-13-01", "0000-01-01", "2026-02-30 10:00", "１", "9999999999", "2026-03-02 25:00"])  # fmt: skip
def test_what_is_no_time_is_named(cell: str) -> None:
    with pytest.raises(Invalid) as refused:
        body_of(("text", "occurred_at"), ["坏了", cell], zone="Asia/Shanghai")

    assert [one.field for one in refused.value.errors] == ["occurred_at"]


def test_a_row_is_a_complaint_with_its_person_place_and_references() -> None:
    fields = ("text", "name", "phone", "area", "reference.order", "received_at", "-")
    cells = ["坏了", "王小明", "13800138000", "xihu", "E1", "2025-01-02", "x"]

    assert body_of(fields, cells, zone="Asia/Shanghai") == {
        "text": "坏了",
        "complainant": {"name": "王小明", "contacts": [{"type": "phone", "value": "13800138000"}]},
        "location": {"area": "xihu"},
        "references": {"order": "E1"},
        "history": {"received_at": "2025-01-02T00:00:00+08:00"},
    }
    with pytest.raises(Invalid):
        body_of(("text",), ["a", "b"], zone="Asia/Shanghai")
