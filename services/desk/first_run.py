"""What a system is born with: a root unit, one account a role, two keys, and the packs that come with Redress."""

import secrets
from pathlib import Path

import orjson
from argon2 import PasswordHasher

from services.desk import store, usecases
from services.desk.model import ROOT, NewAccount, NewKey, NewUnit
from shared.contracts.desk import ROLES, Role
from shared.ids import new_id
from shared.packs.load import read_chain, shipped_folder
from shared.packs.wire import chain_to_wire
from shared.settings import Settings, write_private
from shared.store.database import Database
from shared.store.transaction import Tx
from shared.web.credentials import SCOPES, format_key, new_key

FILE = "first-run.json"
_DISPLAY: dict[Role, str] = {
    "handler": "客服小安",
    "caller": "回访专员",
    "supervisor": "客服主管",
    "watch": "值班员",
    "auditor": "审计员",
    "administrator": "管理员",
}


async def seed(database: Database, settings: Settings) -> None:
    """Set an empty system up. The file with the secrets is on disk before the rows that they open are committed."""
    if not await database.run(store.is_empty):
        return
    hasher = PasswordHasher(
        time_cost=2, memory_cost=19_456, parallelism=1
    )  # OWASP's minimum for argon2id
    passwords = {role: secrets.token_urlsafe(12) for role in ROLES}
    accounts = [
        NewAccount(
            new_id(), role, _DISPLAY[role], role, ROOT, ("zh", "en"), hasher.hash(passwords[role])
        )
        for role in ROLES
    ]
    adapter, operator = new_key(), new_key()
    keys = [
        NewKey(adapter[0], adapter[1], "first adapter", ("intake:write",), ROOT),
        NewKey(operator[0], operator[1], "operator", SCOPES, ROOT),
    ]
    wires = chain_to_wire(read_chain(settings.packs or shipped_folder(), "generic"))
    root = NewUnit(ROOT, "", "总部", "Head office", "service")
    document = {
        "url": settings.public_url,
        "adapter_key": format_key(*adapter),
        "operator_key": format_key(*operator),
        "accounts": {role: {"login": role, "password": passwords[role]} for role in ROLES},
    }

    async def unit(tx: Tx) -> None:
        if await usecases.seed(tx, root=root, accounts=accounts, keys=keys, packs=wires):
            write_private(
                path_in(settings.data),
                orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n",
            )

    await database.run(unit)


def path_in(folder: Path) -> Path:
    """Where the file is."""
    return folder / FILE
