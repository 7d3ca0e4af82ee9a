"""A company with staff data, for tests: accounts made by the desk, teams and times said to routing."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    import httpx

    from tests.world import World

PASSWORD = "long enough password"
ATTITUDE = "客服态度差，不耐烦，还挂电话，我要投诉，要求道歉"  # GEN-ATT, team service
FEE = "你们乱收费，重复扣款，请退还多收的钱"  # GEN-FEE, team billing


async def account(world: World, login: str, *, role: str = "handler", unit: str = "root") -> str:
    """Make an account; returns its id."""
    body = {"login": login, "display": login, "role": role, "unit": unit, "password": PASSWORD}
    answer = await world.post("/desk/v1/accounts", body)
    assert answer.status_code == 201, answer.text
    await world.settle()
    found: str = answer.json()["id"]
    return found


async def put(world: World, path: str, body: object, **headers: str) -> httpx.Response:
    return await world.client.put(f"/routing/v1{path}", json=body, headers=world.headers(**headers))


async def staffed(world: World, login: str, **about: Any) -> str:
    """A handler of team billing, or as `about` says; returns the account's id."""
    id_ = await account(world, login)
    answer = await put(world, f"/handlers/{id_}", {"team": "billing", "skills": BILLING, **about})
    assert answer.status_code == 204, answer.text
    return id_


BILLING = ["bill_check", "refund"]


async def decision(world: World, made: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = (await world.get(f"/routing/v1/decisions/{made['number']}")).json()
    return found


async def complain(world: World, text: str = FEE, **more: object) -> dict[str, Any]:
    made = await world.complain(text, **more)
    await world.settle()
    return made


async def loads(world: World) -> dict[str, int]:
    items = (await world.get("/routing/v1/handlers")).json()["items"]
    return {one["id"]: one["load"] for one in items}


def token(world: World, account_id: str) -> dict[str, str]:
    """Headers of a member of staff."""
    made = world.environment.guard.staff_token(world.policy.accounts[account_id])
    return {"Authorization": f"Bearer {made}"}


def workbook(*rows: list[str], sheet: str = "sheet") -> bytes:
    """A minimal XLSX."""

    def cell(text: str) -> str:
        return f'<c t="inlineStr"><is><t>{escape(text)}</t></is></c>'

    table = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    files = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {space} xmlns:r="{office}"><sheets>'
        f'<sheet name="{sheet}" sheetId="1" r:id="s1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship '
        f'Id="s1" Type="{office}/worksheet" Target="worksheets/s1.xml"/></Relationships>',
        "xl/worksheets/s1.xml": f"<worksheet {space}><sheetData>{table}</sheetData></worksheet>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()
