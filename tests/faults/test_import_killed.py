"""An import whose process is killed in the middle, and then once more: as many complaints as rows."""

from __future__ import annotations

import asyncio
import hashlib
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from redress.cli import run
from services.intake.api.imports import TOGETHER
from tests.faults.system import System

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow
ROWS = TOGETHER * 3 + 50
BAD = TOGETHER + 7


@pytest.mark.parametrize("kind", ["complaints", "history"])
async def test_killed_twice_in_the_middle_an_import_ends_with_a_report_right_to_the_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    # Where not all services are in one process, the secrets must be given.
    secrets = {
        f"REDRESS_{name}": hashlib.sha256(name.encode()).hexdigest()
        for name in ("SECRET", "VAULT_KEY", "TOKEN_KEY")
    }
    file, system = tmp_path / "rows.csv", System(tmp_path / "data", **secrets)
    (tmp_path / "data").mkdir()
    lines = [
        f"r{at},{' ' if at == BAD else f'第{at}台空调坏了'},2024-05-06 09:30\n"
        for at in range(ROWS)
    ]
    column = "受理时间" if kind == "history" else "发生时间"
    file.write_text(f"编号,内容,{column}\n{''.join(lines)}", encoding="utf-8")
    died: list[bool] = []
    for fault in ("intake.import_rows_taken:kill", "intake.import_rows_taken:kill@2", ""):
        is_ready = await system.start(fault=fault, services=("desk", "intake"))
        # What was begun goes on at once, so that the second kill may come first.
        assert is_ready or died
        if not died:
            path = f"/intake/v1/imports?kind={kind}"
            # It may be killed before it answers: brought again below, it is the same import.
            with suppress(httpx.HTTPError):
                async with system.client() as client:
                    await client.post(path, content=file.read_bytes())
        if fault:
            died.append(await system.ended(60))
            await system.stop(kill=True)

    arguments = ["import", str(file), "--kind", kind, "--url", system.url, "--key", system.keys["operator_key"], "--json"]  # fmt: skip
    code = await asyncio.to_thread(run, arguments)
    *refused, done = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    listed = await counted(system)
    await system.stop()

    assert died == [True, True]
    assert (done["state"], done["done"], done["taken"], done["known"]) == (
        "done",
        ROWS,
        ROWS - 1,
        0,
    )
    assert [one["row"] for one in refused] == [BAD + 2]
    assert code == 1
    assert listed == ROWS - 1


async def counted(system: System) -> int:
    found, after = 0, None
    async with system.client() as client:
        while True:
            params: dict[str, Any] = {"limit": 200} | ({"after": after} if after else {})
            page = (await client.get("/intake/v1/complaints", params=params)).json()
            found, after = found + len(page["items"]), page["next"]
            if after is None:
                return found
