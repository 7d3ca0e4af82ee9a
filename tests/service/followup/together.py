"""Incidents as people work on them, short to write down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.followup.usecases.cascading import Cascading
from shared.contracts.insight import WarningRaised
from shared.ids import new_id
from tests.service.followup.bench import pack_version

if TYPE_CHECKING:
    import httpx

    from tests.service.followup.bench import Bench

TITLE = {"zh": "9号楼电梯停运", "en": "The lift of building 9 stands still"}
BULLETIN = {"zh": "电梯正在抢修", "en": "The lift is being repaired"}


def cascading(bench: Bench) -> Cascading:
    owners = [getattr(one, "__self__", None) for one in bench.service.loops]
    return next(one for one in owners if isinstance(one, Cascading))


async def gone_on(bench: Bench) -> None:
    """Let everything reach its members that would by itself."""
    loop = cascading(bench)
    while await loop.go_on():
        pass


async def opened(bench: Bench, *numbers: str, **more: object) -> dict[str, Any]:
    answer = await post(bench, "/incidents", TITLE | {"numbers": numbers} | more)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def post(
    bench: Bench, path: str, body: object, *, who: dict[str, str] | None = None, **headers: str
) -> httpx.Response:
    sent = (who or bench.as_key("root")) | headers
    return await bench.client.post(f"/followup/v1{path}", json=body, headers=sent)


async def ask(
    bench: Bench, incident: str, name: str, body: object = None, **headers: str
) -> httpx.Response:
    path = f"/incidents/{incident}/commands/{name}"
    sent = bench.as_key("root") | {"If-Match": "*"} | headers
    return await post(bench, path, body or {}, who=sent)


async def do(bench: Bench, incident: str, name: str, body: object = None) -> dict[str, Any]:
    """A command that must succeed; gives the incident."""
    answer = await ask(bench, incident, name, body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def members(bench: Bench, incident: str, **params: str) -> list[dict[str, Any]]:
    """All pages of an incident's members."""
    found: list[dict[str, Any]] = []
    after: str | None = ""
    while after is not None:
        query = params | ({"after": after} if after else {})
        url = f"/followup/v1/incidents/{incident}/members"
        answer = await bench.client.get(url, params=query, headers=bench.as_key("root"))
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found, after = found + page["items"], page["next"]
    return found


def solution(bench: Bench, **more: object) -> dict[str, object]:
    told = {"outcome": "upheld", "reason": "电梯部件损坏", "remedy": "已更换部件"}
    return told | {"told_at": bench.clock.now().isoformat()} | more


async def led(bench: Bench, incident: str) -> None:
    await do(
        bench, incident, "form_team", {"lead": "su", "team": [{"account": "an", "role": "维修"}]}
    )


def warning(*complaints: str, **more: object) -> WarningRaised:
    values: dict[str, object] = {
        "warning_id": new_id(), "rule": "EW-1", "measure": "count", "shared": {"area": "330106", "category": "GEN-SVC"},
        "complaints": complaints, "count": len(complaints), "rule_zh": "24小时内同一区域同类投诉达5件",
        "rule_en": "Five or more of one category in one area within 24 h", "pack": "generic",
        "pack_version": pack_version(), "raised_at": "2026-03-02T01:00:00Z",
    }  # fmt: skip
    return WarningRaised.model_validate(values | more)
