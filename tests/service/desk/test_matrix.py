"""Who may do what: `matrix.yaml` held against every route, page and command of the running services."""

from __future__ import annotations

import re
import shutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
import yaml

from shared.contracts.desk import ROLES
from shared.web.credentials import SCOPES
from tests.service.desk.browsing import Browser
from tests.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import httpx

pytestmark = pytest.mark.asyncio(loop_scope="module")
COMMAND = re.compile(r"POST /followup/v1/cases/\{number\}/commands/(\w+)")
OUT = (401, 403)


@cache
def matrix() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "matrix.yaml").read_text())
    return read


def api_rows() -> Iterator[tuple[str, list[str], list[str]]]:
    """Route, roles, scopes."""
    for row in matrix()["routes"]:
        for service in row.get("each", [""]):
            for route in row["routes"]:
                yield route.replace("{service}", service), row["who"], row["scope"]


def page_rows() -> Iterator[tuple[str, list[str]]]:
    for row in matrix()["pages"]:
        for route in row["routes"]:
            yield route, row["who"]


def command_rows() -> dict[str, list[str]]:
    return {name: row["who"] for row in matrix()["commands"] for name in row["names"]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(
    tmp_path_factory: pytest.TempPathFactory, seeded_folder: Path
) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("matrix")
    shutil.copytree(seeded_folder, folder, dirs_exist_ok=True)
    async with open_world(folder) as opened:
        yield opened


def routes_of(world: World) -> set[str]:
    """Every route of every service, as `METHOD /path`."""
    found = set()
    for one in world.hosted:
        for router in filter(None, (one.service.router, one.service.pages)):
            for route in flat(router.routes):
                found |= {f"{method} {route.path}" for method in route.methods - {"HEAD"}}
    return found


def flat(routes: Any) -> Iterator[Any]:
    for one in routes:
        if hasattr(one, "effective_candidates"):
            yield from flat(one.effective_candidates())
        else:
            yield one


async def ask(world: World, route: str, token: str | None) -> httpx.Response:
    method, _, path = route.partition(" ")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    sent: dict[str, Any] = {} if method in ("GET", "DELETE") else {"json": {}}
    url = re.sub(r"\{[^}]+\}", "none", path)
    return await world.client.request(method, url, headers=headers, **sent)


async def test_every_route_has_a_row_and_every_row_a_route(world: World) -> None:
    routes = routes_of(world)
    commands = {found[1] for one in routes if (found := COMMAND.fullmatch(one))}
    rows = [route for route, *_ in api_rows()] + [route for route, _ in page_rows()]
    rows += matrix()["public"]

    assert set(rows) == {one for one in routes if not COMMAND.fullmatch(one)}
    assert len(rows) == len(set(rows))
    assert set(command_rows()) == commands


# Before the others: what operators do below holds the services for a while.
async def test_a_command_is_for_the_roles_of_the_matrix_and_says_so_beforehand(
    world: World,
) -> None:
    made = await world.complain()
    await world.settle()
    path = f"/followup/v1/cases/{made['number']}"
    guard, rows = world.environment.guard, command_rows()

    for role in ROLES:
        [account] = [one for one in world.policy.accounts.values() if one.role == role]
        headers = {"Authorization": f"Bearer {guard.staff_token(account)}", "If-Match": "*"}
        whole = await world.client.get(f"{path}/whole", headers=headers)
        if role == "administrator":
            assert whole.status_code == 403
            continue
        # The handler of a case is not who calls back.
        told = {one["name"] for one in whole.json()["commands"] if one["allowed"]}
        own = (
            {"callback", "claim_callback", "try_callback", "check_back"}
            if role == "handler"
            else set()
        )
        assert told == {name for name, who in rows.items() if role in who} - own, role
        for name in set(rows) - told:
            answer = await world.client.post(f"{path}/commands/{name}", json={}, headers=headers)
            assert answer.status_code in (403, 422), (role, name, answer.text)
        case = (await world.get(path)).json()
        assert case["version"] == whole.json()["case"]["version"]


@pytest.mark.parametrize("role", ROLES)
async def test_an_api_lets_a_role_in_where_the_matrix_says_so(world: World, role: str) -> None:
    [account] = [one for one in world.policy.accounts.values() if one.role == role]
    token = world.environment.guard.staff_token(account)

    wrong = []
    for route, who, _ in api_rows():
        answer = await ask(world, route, token)
        if (answer.status_code in OUT) is (role in who) or answer.status_code == 500:
            wrong.append((route, answer.status_code, answer.text[:100]))

    assert wrong == []


async def test_an_api_lets_a_machine_in_by_its_scopes_and_nobody_without_a_credential(
    world: World,
) -> None:
    guard = world.environment.guard

    wrong: list[tuple[str, str, object]] = []
    for route, _, scopes in api_rows():
        with_ = guard.service_token("test", frozenset(scopes))
        without = [
            guard.service_token("test", frozenset(SCOPES) - {one})
            for one in scopes
            # Writing cases is reading them: either scope opens the door, and each command asks for its own.
            if not route.endswith("cases:command")
        ]
        if (answer := await ask(world, route, with_)).status_code in OUT:
            wrong.append((route, "kept out", answer.text[:100]))
        answers = [await ask(world, route, token) for token in without]
        wrong += [(route, "let in", one.status_code) for one in answers if one.status_code != 403]
        if (answer := await ask(world, route, None)).status_code != 401:
            wrong.append((route, "let nobody in", answer.status_code))

    assert wrong == []


async def test_what_is_public_asks_for_no_credential(world: World) -> None:
    answers = {route: await ask(world, route, None) for route in matrix()["public"]}

    # A wrong password is 401 as well; the rest answers, redirects, or finds nothing.
    wrong = {
        route: answer.status_code
        for route, answer in answers.items()
        if answer.status_code in OUT and route not in ("POST /desk/v1/tokens", "POST /desk/login")
    }
    assert wrong == {}


@pytest.mark.parametrize("role", ROLES)
async def test_a_page_opens_for_a_role_where_the_matrix_says_so(world: World, role: str) -> None:
    browser = Browser(world)
    await browser.sign_in(role)

    wrong = []
    for route, who in page_rows():
        method, _, path = route.partition(" ")
        url = re.sub(r"\{[^}]+\}", "none", path)
        answer = await browser.client.request(method, url, data={} if method == "POST" else None)
        if (answer.status_code in OUT) is (role in who) or answer.status_code >= 500:
            wrong.append((route, answer.status_code))

    assert wrong == []


async def test_a_page_of_staff_leads_a_stranger_to_the_door(world: World) -> None:
    browser = Browser(world)
    for route, _ in page_rows():
        method, _, path = route.partition(" ")
        url = re.sub(r"\{[^}]+\}", "none", path)
        answer = await browser.client.request(method, url, data={} if method == "POST" else None)
        let_in = answer.status_code not in (303, 401)
        assert not let_in, route
        assert method == "POST" or answer.headers["location"].startswith("/desk/login"), route
