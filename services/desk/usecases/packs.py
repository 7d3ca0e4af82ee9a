"""Packs: add a version, put one in force, put back the last one. Every change is kept with who, when and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.desk import store
from services.desk.model import ROOT, Action, PackChange
from shared.contracts.desk import Before, PolicyInForce, PolicyPack
from shared.errors import Conflict, FieldError, Invalid, NotFound
from shared.packs.located import PackInvalid
from shared.packs.wire import WirePack, chain_of, resolve
from shared.store.transaction import Tx
from shared.web.packs import refused

KEPT_BEFORE: Final = 20
"""How much of what was in force before is said with what is."""


@dataclass(frozen=True, slots=True)
class Why:
    """Who changes something, and why."""

    by: str
    reason: str = ""


def must_be_readable(ref: str, known: Mapping[str, WirePack]) -> None:
    """Refuse to put a version in force that this program cannot read. Raises Invalid."""
    chain = chain_of(ref, known)
    if chain is None:
        raise _unknown(ref)
    try:
        resolve(chain)
    except PackInvalid as error:
        raise refused(error) from error


async def add_version(tx: Tx, wires: Sequence[WirePack], why: Why) -> list[str]:
    """Add a version with what it inherits, where that is not here; gives what was added. Raises Conflict.

    The same again is harmless.
    """
    await tx.lock(*(f"pack/{wire.ref}" for wire in wires))
    added = []
    for wire in wires:
        pack, _, version = wire.ref.partition("@")
        there = await store.pack_body(tx, pack=pack, version=version)
        if there is None:
            await add_pack(tx, wire)
            await store.keep_change(tx, PackChange("added", ROOT, wire.ref, why.by, why.reason))
            added.append(wire.ref)
        elif wire is wires[-1] and there != wire.body:
            raise Conflict(
                f"{wire.ref} is here already and says something else: a version never changes. Count it up.",
                zh=f"{wire.ref} 已存在且内容不同：已加入的版本不可更改，请提高版本号。",
                errors=[FieldError("pack.version", "taken", "exists already", "已存在")],
            )
    return added


async def add_pack(tx: Tx, wire: WirePack) -> PolicyPack | None:
    """Add a version of a pack; one that is there is never replaced (None then)."""
    pack, _, version = wire.ref.partition("@")
    if await store.pack_body(tx, pack=pack, version=version) is not None:
        return None
    said = await store.add_pack(tx, wire)
    tx.say(said, subject=f"pack/{wire.ref}", unit=ROOT)
    return said


async def put_in_force(
    tx: Tx,
    *,
    unit: str,
    ref: str,
    since: datetime | None,
    why: Why,
    action: Action = "put_in_force",
) -> PolicyInForce:
    """Judge a unit, and those below it, by a pack from `since` on (None: now). Raises NotFound or Invalid."""
    await tx.lock(f"in-force/{unit}")
    if await store.unit(tx, unit) is None:
        raise NotFound(f"There is no unit {unit!r}.", zh=f"没有单位 {unit}。")
    pack, _, version = ref.partition("@")
    if await store.pack_body(tx, pack=pack, version=version) is None:
        raise _unknown(ref)
    before = await store.begins(tx, unit, limit=KEPT_BEFORE)
    last = max((one.since for one in before if one.since <= tx.now), default=tx.now)
    if since is not None and since < last:
        raise Invalid(
            f"The pack in force began at {last.isoformat()}: one that begins before would never count.",
            zh=f"现行策略包自 {last.isoformat()} 起生效，更早的生效时间没有作用。",
            errors=[FieldError("since", "too_early", "lies before the present one began", "早于现行版本")],
        )  # fmt: skip
    # Clocks of two machines may differ a little: what is put in force now counts from now on.
    begin = since or max(tx.now, last)
    said = PolicyInForce(unit=unit, pack=pack, version=version, since=begin, before=tuple(before))
    await store.put_in_force(tx, said, by=why.by)
    was = _at(before, tx.now)
    await store.keep_change(
        tx, PackChange(action, unit, ref, why.by, why.reason, since=begin, was=was)
    )
    tx.say(said, subject=f"in-force/{unit}", unit=unit)
    return said


async def put_back(tx: Tx, *, unit: str, why: Why) -> PolicyInForce:
    """Put back what judged the unit before the present version: its own, else its parent's. Raises Conflict."""
    await tx.lock(f"in-force/{unit}")
    begun = [one for one in await store.begins(tx, unit, limit=KEPT_BEFORE) if one.since <= tx.now]
    now = ref_of(begun[-1]) if begun else None
    earlier = next((ref_of(one) for one in reversed(begun) if ref_of(one) != now), None)
    earlier = earlier or (await _of_parent(tx, unit) if now else None)
    if earlier is None or earlier == now:
        raise Conflict(
            f"Nothing was in force for {unit!r} before: put a version in force by name.",
            zh=f"单位 {unit} 此前没有生效的策略包，请指定版本。",
            errors=[FieldError("unit", "nothing_before", "has nothing to put back", "没有可恢复的版本")],
        )  # fmt: skip
    return await put_in_force(tx, unit=unit, ref=earlier, since=None, why=why, action="put_back")


async def _of_parent(tx: Tx, unit: str) -> str | None:
    """What judges the unit above, or the one above that."""
    row = await store.unit(tx, unit)
    while row is not None and row.parent is not None:
        if ref := _at(await store.begins(tx, row.parent, limit=KEPT_BEFORE), tx.now):
            return ref
        row = await store.unit(tx, row.parent)
    return None


def _at(begins: Sequence[Before], now: datetime) -> str | None:
    return next((ref_of(one) for one in reversed(begins) if one.since <= now), None)


def ref_of(one: Before) -> str:
    """`P@V`."""
    return f"{one.pack}@{one.version}"


def _unknown(ref: str) -> Invalid:
    return Invalid(
        f"There is no pack {ref}, or not all that it inherits: add it first (redress packs add).",
        zh=f"没有策略包 {ref}，或缺少其继承的策略包，请先加入。",
        errors=[FieldError("version", "unknown", "is no version that was added", "未知版本")],
    )
