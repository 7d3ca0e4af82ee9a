"""Customers known before any complaint, found again by what is theirs, and shown to whom it concerns, on the record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from services.intake.store import READS, STAFF
from shared.contracts.intake import ComplainantChanged
from tests.service.intake.people import another_key, complainant_of, put

if TYPE_CHECKING:
    from tests.world import World

CUSTOMERS = "/intake/v1/customers"
VAULT = "/intake/v1/vault"
LI: dict[str, Any] = {
    "customer_no": "K-77 01",
    "name": "李雪梅",
    "contacts": [{"type": "phone", "value": "139 1234 5678"}],
    "language": "zh",
    "preferred_channel": "phone",
    "class": "vip",
    "consents": {"survey": True, "marketing": False},
    "owned": [
        {"name": "meter_no", "value": "M-4411"},
        {"name": "vin", "value": "LSVAL41Z882104202"},
    ],
}


@pytest.mark.req("R-120")
async def test_a_customer_is_known_before_they_complain_and_found_by_what_they_own(
    either_world: World,
) -> None:
    world = either_world
    kept = await put(world, CUSTOMERS, LI)

    by_meter = await world.post(f"{VAULT}/search", {"references": {"meter_no": "m 4411"}})
    by_phone = await world.post(
        f"{VAULT}/search", {"contacts": [{"type": "phone", "value": "+8613912345678"}]}
    )
    by_number = await world.post(f"{VAULT}/search", {"references": {"customer_no": "k7701"}})

    id_ = kept.json()["id"]
    assert kept.json()["created"] is True
    for answer, matched in (
        (by_meter, "meter_no"),
        (by_phone, "phone"),
        (by_number, "customer_no"),
    ):
        assert answer.json()["items"] == [
            {"id": id_, "unit": "root", "is_customer": True, "matched": [matched], "numbers": []}
        ]


async def test_writing_a_customer_again_leaves_one_and_nothing_of_before(
    either_world: World,
) -> None:
    world = either_world
    first = (await put(world, CUSTOMERS, LI)).json()
    moved = LI | {"contacts": [{"type": "email", "value": "li@Example.com"}], "owned": []}

    second = (await put(world, CUSTOMERS, moved)).json()

    shown = (await world.get(f"{VAULT}/complainants/{first['id']}")).json()
    lost = await world.post(
        f"{VAULT}/search",
        {"contacts": LI["contacts"], "references": {"meter_no": "M-4411"}},
    )
    assert second == {"id": first["id"], "created": False}
    assert shown["contacts"] == [{"type": "email", "value": "li@example.com"}]
    assert shown["customer_class"] == "vip"
    assert shown["consents"]["marketing"]["given"] is False
    assert lost.json()["items"] == []
    await world.settle()
    said = await world.said("intake", ComplainantChanged)
    assert [one.body.contact_types for one in said] == [("phone",), ("email",)]
    assert said[0].body.consents == {"survey": True, "marketing": False}


async def test_a_table_of_customers_has_a_result_for_each_row(world: World) -> None:
    table = (
        "customer_no,name,phone,email,vin,consent_survey\r\n"
        "1,王伟,13812345678,,,是\r\n"
        '2,"Smith, Ann",nonsense,ann@example.com,,\r\n'
        ",无名,,,,\r\n"
        "3,赵丽,,zhao@example.com,LSVAL41Z882104203,maybe\r\n"
        "4,=1+1,,z@example.com,,no\r\n"
    ).encode("gb18030")

    answer = await world.client.put(
        CUSTOMERS, content=table, headers=world.headers(**{"Content-Type": "text/csv"})
    )

    results = answer.json()["items"]
    assert [one["row"] for one in results] == [1, 2, 3, 4, 5]
    assert [one.get("created") for one in results] == [True, None, None, None, True]
    assert [one["errors"][0]["field"] for one in results if "errors" in one] == [
        "contacts.0.value",
        "customer_no",
        "consent_survey",
    ]
    shown = await world.get(f"{VAULT}/complainants/{results[4]['id']}")
    assert shown.json()["name"] == "=1+1", "a formula is text"


@pytest.mark.parametrize(
    "table",
    [
        b"",
        b"name\nx",
        b"customer_no,customer_no\n1,2",
        b"customer_no,colour\n1,red",
        b'customer_no,name\n1,"open',
        b"\xff\xff\x00\x01",
    ],
)
async def test_what_is_no_table_of_customers_is_refused_whole(world: World, table: bytes) -> None:
    answer = await world.client.put(
        CUSTOMERS, content=table, headers=world.headers(**{"Content-Type": "text/csv"})
    )

    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"]


async def test_an_adapters_key_may_not_change_where_people_are_reached(world: World) -> None:
    answer = await put(world, CUSTOMERS, LI, key="adapter_key")

    assert answer.status_code == 403


async def test_people_are_revealed_within_reach_only_and_each_read_is_recorded_with_its_reason(
    either_world: World,
) -> None:
    world = either_world
    for unit in ("north", "south"):
        await world.post("/desk/v1/units", {"id": unit, "title_zh": unit})
    await world.settle()
    north = await another_key(world, unit="north")
    mine = (await world.client.put(CUSTOMERS, json=LI | {"unit": "north"}, headers=north)).json()
    theirs = (await put(world, CUSTOMERS, LI | {"unit": "south"})).json()

    answer = await world.client.post(
        f"{VAULT}/reveal",
        json={"ids": [mine["id"], theirs["id"], "none"], "reason": "call 13800138000 back"},
        headers=north,
    )
    found = await world.client.post(
        f"{VAULT}/search", json={"references": {"meter_no": "M-4411"}}, headers=north
    )

    shown = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert [one["name"] for one in shown["items"]] == ["李雪梅"]
    assert shown["missing"] == sorted(["none", theirs["id"]])
    assert [one["id"] for one in found.json()["items"]] == [mine["id"]]
    assert (await put(world, CUSTOMERS, LI | {"unit": "north"})).json()["created"] is False
    rows = await reads(world)
    assert ("complainant", mine["id"], "call [phone] back") in rows
    assert theirs["id"] not in {target for what, target, _ in rows if what != "customer put"}


async def test_one_gets_everything_that_is_kept_of_one(either_world: World) -> None:
    world = either_world
    body = {
        "text": "电表不准，电话13812345678",
        "complainant": {"name": "王小明", "contacts": [{"type": "phone", "value": "13812345678"}]},
    }
    number = (await world.post("/intake/v1/complaints", body)).json()["number"]
    await world.post(f"/intake/v1/complaints/{number}/messages", {"text": "还没有人来"})
    id_ = await complainant_of(world, number)
    await world.get(f"{VAULT}/complainants/{id_}")

    answer = await world.get(f"{VAULT}/complainants/{id_}/export")

    found = answer.json()
    assert found["profile"]["name"] == "王小明"
    assert found["complaints"][0]["posted"] == body
    assert found["complaints"][0]["messages"][0]["posted"] == {"text": "还没有人来"}
    assert [one["what"] for one in found["reads"]].count("complainant") == 2
    assert "attachment" in answer.headers["content-disposition"]


async def test_where_staff_are_reached_is_sealed_too(either_world: World) -> None:
    world = either_world
    account = next(iter(world.policy.accounts))
    path = f"{VAULT}/staff/{account}"
    contacts = {"contacts": [{"type": "phone", "value": "13700137000"}]}

    put_once = await put(world, path, contacts)
    refused = await put(world, path, contacts, key="adapter_key")
    shown = await world.get(path)

    assert put_once.status_code == 204, put_once.text
    assert refused.status_code == 403
    assert shown.json()["contacts"] == [{"type": "phone", "value": "+8613700137000"}]
    async with world.service("intake").service.database.reading() as connection:
        row = (await connection.execute(select(STAFF))).one()
    assert b"137001" not in row.profile
    assert (await world.client.delete(path, headers=world.headers())).status_code == 204
    assert (await world.get(path)).status_code == 404


async def reads(world: World) -> list[tuple[str, str, str | None]]:
    async with world.service("intake").service.database.reading() as connection:
        rows = await connection.execute(select(READS.c.what, READS.c.target, READS.c.reason))
        return [tuple(row) for row in rows]
