"""What the desk does: load, decide, record, say. Each is handed an open transaction."""

import hashlib
from collections.abc import Sequence

from services.desk import store
from services.desk.model import NewAccount, NewKey, NewUnit
from services.desk.usecases.packs import Why, add_version, put_in_force
from shared.contracts.desk import PolicyAccount, PolicyKey, PolicySeeded, PolicyUnit
from shared.errors import Conflict, FieldError, NotFound
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
    why = Why("first-run", "comes with Redress")
    await add_version(tx, packs, why)
    await put_in_force(tx, unit=root.id, ref=packs[-1].ref, since=None, why=why)
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


def _say_unit(tx: Tx, said: PolicyUnit) -> None:
    tx.say(said, subject=f"unit/{said.id}", unit=said.id)
