"""The other doors: WeChat's callbacks beside posted JSON, and an import beside bare parsing and bulk insert."""

import asyncio
import base64
import hashlib
import itertools
import os
import time
from typing import TYPE_CHECKING

import httpx
import yaml

from bench import children
from bench.client import Load, saturate
from bench.complaints import Requests
from bench.model import Measure, percentile
from dev.process import LOOPBACK
from services.intake.channels.wechat import Envelope, write_markup
from services.intake.channels.wechat.envelope import RANDOM_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from bench.children import Child
    from bench.plan import Bench, Plan

ALONE = ("desk", "intake")
CALLBACK_TIMES = 3.0
IMPORT_PART = 0.3
ACCOUNT = "bench"
WITHIN = 600.0


def steps(plan: "Plan") -> int:
    return 4 * plan.rounds


class Calls(Requests):
    """Makes WeChat's callbacks as bytes: each another person's first words, about as long as a posted complaint."""

    def __init__(self, envelope: Envelope, *, port: int, run: str) -> None:
        self._envelope = envelope
        self._counted = itertools.count()
        self._port = port
        self._name = run

    def __next__(self) -> bytes:
        at, now = next(self._counted), str(int(time.time()))
        words = (
            "我家的电表从上周开始一直有异响，客服电话打了三次都说会派人上门，到今天仍然没有任何人来过。"
            * 4
        )
        plain = write_markup({
            "ToUserName": "gh_1", "FromUserName": f"{self._name}-{at}", "CreateTime": now, "MsgType": "text",
            "Content": f"{words}({at})", "MsgId": f"{self._name}{at}",
        })  # fmt: skip
        sealed = self._envelope.seal(
            plain, timestamp=now, nonce="n", random=os.urandom(RANDOM_BYTES)
        )
        body = write_markup({"ToUserName": "gh_1", "Encrypt": sealed["Encrypt"]})
        query = f"msg_signature={sealed['MsgSignature']}&timestamp={now}&nonce=n"
        head = (
            f"POST /intake/v1/callbacks/{ACCOUNT}?{query} HTTP/1.1\r\nHost: {LOOPBACK}:{self._port}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def measure(bench: "Bench") -> list[Measure]:
    """Both, on SQLite."""
    plan, folder = bench.plan, bench.folder / "doors"
    folder.mkdir(parents=True)
    envelope, file = _account(folder)
    ours, json, rates, floors = [], [], [], []
    async with children.product(*ALONE, folder=folder / "product", callbacks=str(file)) as child:
        key = children.adapter_key(folder / "product")
        for at in range(plan.rounds):
            bench.step(f"doors: round {at + 1}, posted JSON")
            posts = Requests("/intake/v1/complaints", port=child.port, key=key, run=f"json{at}")
            json.append(_late(await _load(child, posts, plan)))
            bench.step(f"doors: round {at + 1}, callbacks")
            ours.append(
                _late(await _load(child, Calls(envelope, port=child.port, run=f"o{at}"), plan))
            )
            table = folder / f"rows-{at}.csv"
            table.write_bytes(_table(plan.imported_rows, run=f"r{at}"))
            bench.step(f"doors: round {at + 1}, bare rows")
            database = str(folder / f"bare-{at}.db")
            seconds = await children.once(
                "floors.importing", "--file", str(table), "--database", database
            )
            floors.append(plan.imported_rows / seconds)
            bench.step(f"doors: round {at + 1}, an import")
            rates.append(plan.imported_rows / await _imported(child, table.read_bytes(), key))
            await child.come_to_rest()
    return [
        Measure(
            name="callback_p99", title="The slowest hundredth of WeChat's callbacks, beside posted JSON, saturated",
            unit="ms", better="lower", values=tuple(ours), floors=tuple(json), target=CALLBACK_TIMES, gate=True,
        ),
        Measure(
            name="import_rows", title="Rows of a CSV file imported, beside bare parsing and bulk insert",
            unit="1/s", better="higher", values=tuple(rates), floors=tuple(floors), target=IMPORT_PART, gate=True,
        ),
    ]  # fmt: skip


def _account(folder: "Path") -> tuple[Envelope, "Path"]:
    key = base64.b64encode(hashlib.sha256(b"bench").digest()).decode().rstrip("=")
    (folder / "token").write_text("bench")
    (folder / "aes").write_text(key)
    account = {
        "name": ACCOUNT, "platform": "wechat", "receiver": "wx0000", "token_file": "token", "aes_key_file": "aes",
    }  # fmt: skip
    file = folder / "callbacks.yaml"
    file.write_text(yaml.safe_dump({"accounts": [account]}))
    return Envelope("bench", base64.b64decode(key + "="), "wx0000"), file


async def _load(child: "Child", requests: Requests, plan: "Plan") -> Load:
    for seconds in (plan.warm_up_seconds, plan.load_seconds):
        load = await saturate(child.port, requests, connections=plan.connections, seconds=seconds)
    await child.come_to_rest()
    return load


def _late(load: Load) -> float:
    return percentile(load.latencies, 0.99) * 1000


def _table(rows: int, *, run: str) -> bytes:
    lines = [
        f"{run}-{at},第{at}台空调坏了，报修三次仍无人上门，要求尽快维修并退还上门费,王小明,138{at:08},E2026{at:06},2026-01-14 09:30\n"
        for at in range(rows)
    ]
    return ("编号,内容,姓名,手机号,订单号,发生时间\n" + "".join(lines)).encode()


async def _imported(child: "Child", raw: bytes, key: str) -> float:
    """Seconds from posting a file until all its rows are complaints."""
    headers = {"Authorization": f"Bearer {key}"}
    address = f"http://{LOOPBACK}:{child.port}"
    began = time.perf_counter()
    async with httpx.AsyncClient(
        base_url=address, headers=headers, trust_env=False, timeout=WITHIN
    ) as client:
        found = (await client.post("/intake/v1/imports", content=raw)).raise_for_status().json()
        while found["state"] == "waiting":
            await asyncio.sleep(0.05)
            found = (
                (await client.get(f"/intake/v1/imports/{found['id']}")).raise_for_status().json()
            )
    return time.perf_counter() - began
