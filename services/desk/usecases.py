"""What the desk does: load, decide, record, say. Each is handed an open transaction."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from services.desk import store
from services.desk.model import ROOT, NewAccount, NewKey, NewUnit
from shared.contracts.desk import (
    PolicyAccount,
    PolicyInForce,
    PolicyKey,
    PolicyPack,
    PolicySeeded,
    PolicyUnit,
)
from shared.errors import Conflict, FieldError, Invalid, NotFound
from shared.packs.wire import WirePack
from shared.store.transaction import Tx


async def seed(
    tx: Tx,
    *,
    root: NewUnit,
    accounts: Sequence[NewAccount],
    keys: Sequence[NewKey],
    packs: Sequence[WirePack],
) -> bool:
    """The first-run rows, once; the last event says that the policy is complete. Says whether it did anything."""
    if not await store.is_empty(tx):
        return False
    _say_unit(tx, await store.add_unit(tx, root, parent=None))
    for account in accounts:
        await add_account(tx, account)
    for key in keys:
        await add_key(tx, key, by="first-run")
    for wire in packs:
        await add_pack(tx, wire)
    pack, _, version = packs[-1].ref.partition("@")
    await put_in_force(tx, unit=root.id, pack=pack, version=version, since=tx.now, by="first-run")
    tx.say(PolicySeeded(at=tx.now), subject="seeded", unit=root.id)
    return True


async def add_unit(tx: Tx, new: NewUnit) -> PolicyUnit:
    """Add a unit below another. Raises Conflict when the id is taken, NotFound without the parent."""
    await tx.lock(f"unit/{new.id}")
    if await store.unit(tx, new.parent) is None:
        raise NotFound(f"There is no unit {new.parent!r}.", zh=f"没有单位 {new.parent}。")
    if await store.unit(tx, new.id) is not None:
        raise Conflict(
            f"The unit {new.id!r} exists already: choose another id.",
            zh=f"单位 {new.id} 已存在。",
            errors=[FieldError("id", "taken", "exists already", "已存在")],
        )
    said = await store.add_unit(tx, new, parent=new.parent)
    _say_unit(tx, said)
    return said


async def add_account(tx: Tx, new: NewAccount) -> PolicyAccount:
    """Add a member of staff. Raises Conflict when the login is taken."""
    if await store.has_login(tx, new.login):
        raise Conflict(
            f"The login {new.login!r} exists already: choose another.",
            zh=f"登录名 {new.login} 已存在。",
            errors=[FieldError("login", "taken", "exists already", "已存在")],
        )
    said = await store.add_account(tx, new)
    tx.say(said, subject=f"account/{said.id}", unit=said.unit)
    return said


async def add_key(tx: Tx, new: NewKey, *, by: str) -> PolicyKey:
    """Make a key; only the hash of its secret is kept and said."""
    digest = hashlib.sha256(new.secret.encode()).hexdigest()
    said = await store.add_key(tx, new, secret_sha256=digest, by=by)
    tx.say(said, subject=f"key/{said.id}", unit=said.unit)
    return said


async def revoke_key(tx: Tx, id_: str, *, units: frozenset[str]) -> PolicyKey:
    """Revoke a key; again is harmless. Raises NotFound outside the caller's units."""
    await tx.lock(f"key/{id_}")
    row = await store.key(tx, id_)
    if row is None or row.unit not in units:
        raise NotFound(f"There is no key {id_!r}.", zh=f"没有密钥 {id_}。")
    said = PolicyKey.model_validate(dict(row._mapping) | {"revoked_at": row.revoked_at or tx.now})
    if row.revoked_at is None:
        await store.revoke_key(tx, id_)
        tx.say(said, subject=f"key/{id_}", unit=row.unit)
    return said


async def add_pack(tx: Tx, wire: WirePack) -> PolicyPack | None:
    """Add a version of a pack; one that is there is never replaced (None then)."""
    pack, _, version = wire.ref.partition("@")
    if await store.has_pack(tx, pack=pack, version=version):
        return None
    said = await store.add_pack(tx, wire)
    tx.say(said, subject=f"pack/{wire.ref}", unit=ROOT)
    return said


async def put_in_force(
    tx: Tx, *, unit: str, pack: str, version: str, since: datetime, by: str
) -> PolicyInForce:
    """Judge a unit, and those below it, by a pack from `since` on. Raises NotFound or Invalid."""
    await tx.lock(f"in-force/{unit}")
    if await store.unit(tx, unit) is None:
        raise NotFound(f"There is no unit {unit!r}.", zh=f"没有单位 {unit}。")
    if not await store.has_pack(tx, pack=pack, version=version):
        raise Invalid(
            f"There is no pack {pack}@{version}.",
            zh=f"没有策略包 {pack}@{version}。",
            errors=[FieldError("version", "unknown", "is no version that was added", "未知版本")],
        )
    said = PolicyInForce(unit=unit, pack=pack, version=version, since=since)
    await store.put_in_force(tx, said, by=by)
    tx.say(said, subject=f"in-force/{unit}", unit=unit)
    return said


def _say_unit(tx: Tx, said: PolicyUnit) -> None:
    tx.say(said, subject=f"unit/{said.id}", unit=said.id)
