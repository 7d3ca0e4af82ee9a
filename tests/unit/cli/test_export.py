"""`redress export`: each page a file with its checksum, and what was broken off goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest

from redress.client import Address, Client
from redress.export import MANIFEST, Export, faults_of
from redress.failure import Failure, NotReachable

if TYPE_CHECKING:
    from pathlib import Path


class System(httpx.BaseTransport):
    """Answers as the services do: three pages of complaints, one of cases, a feed; the second person is erased."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.breaks_at: int | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.path)
        if len(self.asked) == self.breaks_at:
            raise httpx.ConnectError("refused")
        after = request.url.params.get("after")
        path = request.url.path
        if path.endswith("/attachments/f1"):
            return httpx.Response(200, content=b"\x89PNG")
        if path.startswith("/intake/v1/vault/complaints/"):
            return httpx.Response(200, json={"text": "原文"})
        if path.startswith("/intake/v1/vault/complainants/"):
            erased = path.endswith("/p2")
            return httpx.Response(410 if erased else 200, json={"name": "王小明"})
        return httpx.Response(200, json=self.page(path, after))

    def page(self, path: str, after: str | None) -> dict[str, Any]:
        at = int(after or 0) + 1
        if path == "/notify/v1/events":
            items = [{"id": f"e{at}"}] if at < 3 else []
            return {"items": items, "next": str(at)}
        if path == "/followup/v1/cases":
            return {"items": [{"number": "1"}], "next": None}
        files = [{"id": "f1"}] if at == 1 else []
        one = {"number": str(at), "complainant_id": f"p{at}", "attachments": files}
        return {"items": [one], "next": str(at) if at < 3 else None}


def export(system: System, folder: Path) -> dict[str, int]:
    with Client(Address("http://redress.test", "rk_a_b"), transport=system) as client:
        return Export(client, folder, tell=lambda _: None).run()


WHOLE = {"complaints": 3, "files": 1, "cases": 1, "events": 2}


def test_everything_is_there_with_its_checksum_and_again_nothing_is_asked(tmp_path: Path) -> None:
    system = System()

    counts = export(system, tmp_path / "out")
    asked = len(system.asked)
    again = export(system, tmp_path / "out")

    assert counts == again == WHOLE
    assert len(system.asked) == asked
    assert list(faults_of(tmp_path / "out")) == []
    second = orjson.loads((tmp_path / "out" / "complaints" / "000002.jsonl").read_bytes())
    assert (second["received"], second["complainant"]) == ({"text": "原文"}, None)
    assert (tmp_path / "out" / "files" / "f1").read_bytes() == b"\x89PNG"
    assert (tmp_path / "out" / MANIFEST).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("at", range(1, 14))
def test_wherever_it_is_broken_off_it_goes_on_and_ends_the_same(tmp_path: Path, at: int) -> None:
    system, whole = System(), System()
    system.breaks_at = at

    with pytest.raises(NotReachable):
        export(system, tmp_path / "a")
    (tmp_path / "a").mkdir(exist_ok=True)
    if (tmp_path / "a" / MANIFEST).exists():
        with (tmp_path / "a" / MANIFEST).open("ab") as manifest:
            manifest.write(b'{"kind": "torn')
    counts = export(system, tmp_path / "a")
    export(whole, tmp_path / "b")

    assert counts == WHOLE
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(one.relative_to(folder)): one.read_bytes()
        for one in folder.rglob("*")
        if one.is_file() and one.name != MANIFEST
    }


def test_what_is_missing_or_changed_is_told(tmp_path: Path) -> None:
    export(System(), tmp_path / "out")
    (tmp_path / "out" / "cases" / "000001.jsonl").write_text("{}\n")
    (tmp_path / "out" / "files" / "f1").unlink()

    assert sorted(faults_of(tmp_path / "out")) == [
        "cases/000001.jsonl was changed", "files/f1 is missing",
    ]  # fmt: skip


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")

    with pytest.raises(Failure, match="something else"):
        export(System(), tmp_path)
