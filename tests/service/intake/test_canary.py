"""Marked personal data goes in by every door and field; the raw bytes of all that is kept are searched for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from prometheus_client import generate_latest
from sqlalchemy import select

from services.intake.channels.email import MEDIA_TYPE
from services.intake.policy.seal import Vault
from services.intake.store import ATTACHMENTS, COMPLAINANTS
from services.intake.store.mails import MAILS as MAILS_KEPT
from tests.service.intake.doors import bring
from tests.service.intake.people import another_key, complainant_of, erase, put
from tests.world import open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from dev.postgres import Postgres
    from tests.world import World

COMPLAINTS = "/intake/v1/complaints"
STAYS = "电表走得太快"
"""Nothing personal: it must be found, or the search finds nothing at all."""
NAME, BEHALF, STAFF = "司徒金雀", "尉迟老雀", "慕容雀部"
PHONES = {
    where: f"139{at:02d}77{at:02d}31"
    for at, where in enumerate(
        ("text", "subject", "contact", "shop", "product", "remedy", "area", "batch", "message", "note", "staff", "csv", "reason"), 10
    )
}  # fmt: skip
MAILS = ("canary.text@example.com", "canary.contact@example.com", "canary.external@example.com")
ID, CARD, PLATE = "11010519491231002X", "6222020000000000000", "京A7K7K7"
VIN, WECHAT, CUSTOMER_NO, METER = (
    "LSVAL41Z882104202",
    "wx_canary_4471",
    "K-CANARY-0091",
    "M-CANARY-77",
)
STREET = "金丝雀路731号9栋2单元1703室"
FILE_NAME, FILE_TEXT = "司徒的合同.txt", "扫描件里的金丝雀全文"
CANARIES = (
    NAME, BEHALF, STAFF, *PHONES.values(), *MAILS, ID, CARD, PLATE, VIN, WECHAT, CUSTOMER_NO, METER, STREET,
    FILE_NAME, FILE_TEXT,
)  # fmt: skip
BODY: dict[str, Any] = {
    "text": f"我是{NAME}，住{STREET}，{STAYS}，电话{PHONES['text']}，{MAILS[0]}，身份证{ID}，卡{CARD}，车{PLATE}，VIN {VIN}",
    "subject": f"{NAME} {PHONES['subject']}",
    "external_id": f"<{MAILS[2]}>",
    "complainant": {
        "name": NAME,
        "contacts": [
            {"type": "phone", "value": PHONES["contact"]},
            {"type": "email", "value": MAILS[1]},
            {"type": "wechat", "value": WECHAT},
            {"type": "address", "value": STREET},
        ],
        "customer_no": CUSTOMER_NO,
        "on_behalf_of": BEHALF,
    },
    "references": {"meter_no": METER, "vin": VIN, "batch_no": f"B {PHONES['batch']}"},
    "product": f"电表 {PHONES['product']}",
    "shop": f"营业厅 {PHONES['shop']}",
    "location": {"area": f"north {PHONES['area']}", "address": STREET},
    "remedy_sought": f"退费，打{PHONES['remedy']}",
}


@pytest.fixture
async def on_sqlite(tmp_path: Path) -> AsyncIterator[tuple[World, Path]]:
    async with open_world(tmp_path) as world:
        yield world, tmp_path


@pytest.fixture
async def on_postgres(tmp_path: Path, own_postgres: Postgres) -> AsyncIterator[tuple[World, Path]]:
    """The folder is that of a server of this test's own: whatever it writes is in there."""
    async with open_world(tmp_path, database=f"{own_postgres.url}/canary_{{service}}") as world:
        yield world, own_postgres._folder


@pytest.mark.slow
@pytest.mark.req("R-162")
async def test_nothing_personal_is_outside_the_vault_and_nothing_anywhere_after_erasure(
    on_sqlite: tuple[World, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    world, _ = on_sqlite
    await _holds(world, [world.folder], capfd)


@pytest.mark.slow
@pytest.mark.req("R-162")
async def test_the_same_holds_for_every_byte_of_a_postgresql_server(
    on_postgres: tuple[World, Path], capfd: pytest.CaptureFixture[str]
) -> None:
    world, server = on_postgres
    await _holds(world, [world.folder, server], capfd)


async def _holds(world: World, folders: list[Path], capfd: pytest.CaptureFixture[str]) -> None:
    second = await another_key(world)
    people = await _speak(world)
    keys = await _keys(world, people)
    await _to_disk(world)

    assert found_in(folders, [STAYS]) == {STAYS}, "the search works"
    assert found_in(folders, CANARIES) == set()
    stored = {name for name, key in keys.items() if found_in(folders, [key])}
    assert stored == {name for name in keys if not name.startswith("plain")}, (
        "wrapped keys are there"
    )
    said = capfd.readouterr()
    metrics = generate_latest(world.environment.metrics.registry).decode()
    assert [one for one in CANARIES if one in said.out + said.err + metrics] == []

    erasure = await erase(world, *people, second=second)
    for path in (f"/intake/v1/vault/staff/{_account(world)}",):
        await world.client.delete(path, headers=world.headers())
    await world.settle()
    await _to_disk(world)

    assert erasure["state"] == "complete"
    assert found_in(folders, CANARIES) == set()
    left = {name for name, key in keys.items() if found_in(folders, [key])}
    assert left == set()
    assert found_in(folders, [STAYS]) == {STAYS}, "the case stays"


async def _speak(world: World) -> list[str]:
    """Everything that can be said by every door there is; returns whom it was about."""
    named = await world.client.post(
        f"/intake/v1/attachments?name={FILE_NAME}",
        content=FILE_TEXT.encode(),
        headers=world.headers(**{"Content-Type": "text/plain"}),
    )
    body = BODY | {"attachments": [{"id": named.json()["id"]}]}
    posted = await world.post(COMPLAINTS, body, **{"Idempotency-Key": "canary"})
    assert posted.status_code == 202, posted.text
    number = posted.json()["number"]
    message = {"text": f"{NAME}，{STREET}，再打{PHONES['message']}", "external_id": f"<{MAILS[2]}>"}
    added = await world.post(f"{COMPLAINTS}/{number}/messages", message)
    assert added.status_code == 202, added.text
    batch = await world.post(f"{COMPLAINTS}:batch", {"items": [BODY | {"external_id": "b"}]})
    other = batch.json()["items"][0]["complaint"]["number"]
    anonymous = BODY | {
        "external_id": "c",
        "complainant": BODY["complainant"] | {"anonymous": True},
    }
    third = (await world.post(COMPLAINTS, anonymous)).json()["number"]
    mailed = await bring(world, "email", _mail("sent"), MEDIA_TYPE)
    aside = await bring(world, "email", _mail("aside", "Auto-Submitted: auto-replied"), MEDIA_TYPE)
    assert (mailed.json()["outcome"], aside.json()["outcome"]) == ("complaint", "quarantined")
    bad = await world.post(COMPLAINTS, BODY | {"occurred_at": PHONES["text"], "unit": NAME})
    assert bad.status_code == 422
    await world.settle()
    told = f"打{PHONES['note']}，{NAME}先生，{STREET}"
    staff = {
        "accept": {},
        "contact": {"promised": {"what": told, "by": "2026-03-04T09:00:00+08:00"}},
        "resolve": {
            "outcome": "upheld",
            "reason": told,
            "remedy": told,
            "told_at": "2026-03-02T09:00:00+08:00",
        },
    }
    for name, words in staff.items():
        done = await world.command(number, name, words)
        assert done.status_code == 200, done.text
    customers = await _customers(world)
    await world.settle()
    found = [
        await complainant_of(world, one) for one in (number, other, third, mailed.json()["number"])
    ]
    return found + customers


def _mail(id_: str, *headers: str) -> bytes:
    """A mail of the complainant's: one that is a complaint, or is put aside."""
    head = (
        f"From: {NAME} <{MAILS[1]}>",
        f"Message-ID: <{id_}@example.com>",
        f"Subject: {PHONES['subject']}",
        *headers,
    )
    return ("\r\n".join(head) + f"\r\n\r\n{BODY['text']}").encode()  # fmt: skip


async def _customers(world: World) -> list[str]:
    """A customer by JSON and one by CSV, a member of staff, and searches and reads with reasons."""
    person = BODY["complainant"]
    customer = {
        "customer_no": CUSTOMER_NO, "name": NAME, "contacts": person["contacts"], "address": STREET,
        "owned": [{"name": "meter_no", "value": METER}, {"name": "vin", "value": VIN}],
    }  # fmt: skip
    first = await put(world, "/intake/v1/customers", customer)
    table = f"customer_no,name,phone,vin\n{CUSTOMER_NO}2,{NAME},{PHONES['csv']},{VIN}\n".encode()
    second = await world.client.put(
        "/intake/v1/customers",
        content=table,
        headers=world.headers(**{"Content-Type": "text/csv"}),
    )
    ids = [first.json()["id"], second.json()["items"][0]["id"]]
    # Written again: the row grows, and what it was must not stay behind.
    await put(
        world, "/intake/v1/customers", customer | {"class": "vip", "consents": {"survey": True}}
    )
    contacts = {
        "contacts": [
            {"type": "phone", "value": PHONES["staff"]},
            {"type": "wechat", "value": STAFF},
        ]
    }
    await put(world, f"/intake/v1/vault/staff/{_account(world)}", contacts)
    reason = f"回电{PHONES['reason']}"
    await world.post("/intake/v1/vault/reveal", {"ids": ids, "reason": reason})
    await world.post("/intake/v1/vault/search", {"contacts": person["contacts"], "reason": reason})
    await world.get(f"/intake/v1/vault/complainants/{ids[0]}/export")
    return ids


async def _keys(world: World, people: list[str]) -> dict[str, bytes]:
    """The data keys of people and files, as they are stored and in clear."""
    vault, found = Vault(world.environment.secrets.vault), {}
    async with world.service("intake").service.database.reading() as connection:
        for row in await connection.execute(
            select(COMPLAINANTS).where(COMPLAINANTS.c.id.in_(people))
        ):
            found[f"of {row.id}"] = row.data_key
            found[f"plain of {row.id}"] = vault.unwrap(row.data_key, owner=row.id)
        for row in await connection.execute(select(ATTACHMENTS)):
            found[f"of file {row.id}"] = row.data_key
        for row in await connection.execute(select(MAILS_KEPT)):
            found[f"of mail {row.id}"] = row.data_key
            found[f"plain of mail {row.id}"] = vault.unwrap(row.data_key, owner=row.id)
    return found


async def _to_disk(world: World) -> None:
    """Have the server write what it holds in memory."""
    url = world.environment.settings.database_url("intake")
    if url.startswith("postgresql"):
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        await connection.execute("CHECKPOINT")
        await connection.close()


def _account(world: World) -> str:
    return min(world.policy.accounts)


def found_in(folders: Iterable[Path], wanted: Iterable[str | bytes]) -> set[str | bytes]:
    """Which of these stand in any file, as UTF-8 or as JSON escapes. Mails that left are their readers'."""
    forms = {
        one: {one} if isinstance(one, bytes) else {one.encode(), one.encode("unicode_escape")}
        for one in wanted
    }
    found: set[str | bytes] = set()
    for folder in folders:
        for file in folder.rglob("*"):
            if not file.is_file() or file.suffix == ".eml":
                continue
            content = file.read_bytes()
            found |= {
                one for one, any_of in forms.items() if any(form in content for form in any_of)
            }
    return found
