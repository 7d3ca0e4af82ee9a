"""Who may do what, and by which pack: the topic `redress.policy`, read whole into memory by every process."""

import asyncio
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from shared import telemetry
from shared.bus.port import Bus, BusUnavailable, Record
from shared.contracts.catalogue import BY_TYPE, TOPICS
from shared.contracts.desk import (
    PolicyAccount,
    PolicyInForce,
    PolicyKey,
    PolicyPack,
    PolicySeeded,
    PolicyUnit,
)
from shared.contracts.envelope import Body, Event, Unreadable, read_event, read_header
from shared.errors import NotHereYet
from shared.packs.located import PackInvalid
from shared.packs.model import Pack
from shared.packs.wire import WirePack, chain_of, resolve
from shared.store.signal import Signal

READ_WAIT: Final = timedelta(seconds=1)

log = telemetry.logger("policy")


class Policy:
    """The present policy. `apply` is the only writer; everything else reads."""

    def __init__(self) -> None:
        self.is_ready = False
        """Read to the end, and `policy.seeded` was seen."""
        self.problem: str | None = "the policy topic has not been read yet"
        self.changed = Signal()
        self.units: dict[str, PolicyUnit] = {}
        self.keys: dict[str, PolicyKey] = {}
        self.accounts: dict[str, PolicyAccount] = {}
        self._wires: dict[str, WirePack] = {}
        self._in_force: dict[str, list[PolicyInForce]] = {}
        self._packs: dict[str, Pack] = {}
        self._sequences: dict[str, int] = {}
        self._seeded = False
        self._subtrees: dict[str, frozenset[str]] = {}

    def apply(self, event: Event[Body]) -> None:
        """Take in one event; older ones about the same subject are ignored."""
        if event.sequence <= self._sequences.get(event.subject, 0):
            return
        self._sequences[event.subject] = event.sequence
        match event.body:
            case PolicyUnit() as unit:
                self.units[unit.id] = unit
                self._subtrees.clear()
            case PolicyKey() as key:
                self.keys[key.id] = key
            case PolicyAccount() as account:
                self.accounts[account.id] = account
            case PolicyPack() as pack:
                ref = f"{pack.pack}@{pack.version}"
                self._wires.setdefault(
                    ref, WirePack(ref=ref, inherits=pack.inherits, body=pack.body)
                )
            case PolicyInForce() as in_force:
                self._in_force.setdefault(in_force.unit, []).append(in_force)
            case PolicySeeded():
                self._seeded = True
            case _:
                pass

    def caught_up(self) -> None:
        """Everything that was in the topic has been read."""
        if self._seeded:
            if not self.is_ready:
                self._read_packs()
            self.is_ready, self.problem = True, None
            self.changed.set()
        else:
            self.problem = "no policy.seeded yet: run `redress migrate`"

    def _read_packs(self) -> None:
        """Read what each unit is judged by: half a second that the first complaint, and all beside it, would wait."""
        for each in self._in_force.values():
            latest = max(each, key=lambda one: one.since)
            with suppress(NotHereYet, PackInvalid):  # whoever needs it will say so
                self.pack(latest.pack, latest.version)

    @property
    def root(self) -> str:
        """The unit that has no parent. Raises NotHereYet."""
        for unit in self.units.values():
            if unit.parent is None:
                return unit.id
        raise NotHereYet("no unit is known yet")

    def upwards(self, unit: str) -> Iterator[str]:
        """The unit, its parent, and so on to the root; nothing when it is unknown."""
        seen: set[str] = set()
        at: str | None = unit
        while at is not None and at not in seen and at in self.units:
            seen.add(at)
            yield at
            at = self.units[at].parent

    def covers(self, above: str, unit: str) -> bool:
        """Whether `unit` is `above` or below it: rights reach downwards."""
        return above in self.upwards(unit)

    def subtree(self, unit: str) -> frozenset[str]:
        """The unit and all below it."""
        if unit not in self._subtrees:
            self._subtrees[unit] = frozenset(one for one in self.units if self.covers(unit, one))
        return self._subtrees[unit]

    def in_force(self, unit: str, now: datetime) -> tuple[str, str]:
        """Pack and version a unit is judged by at `now`: its own, else its nearest ancestor's. Raises NotHereYet."""
        for at in self.upwards(unit):
            begun = [one for one in self._in_force.get(at, ()) if one.since <= now]
            if begun:
                latest = max(begun, key=lambda one: one.since)
                return latest.pack, latest.version
        raise NotHereYet(f"no pack is in force for unit {unit!r} yet")

    def pack(self, pack: str, version: str) -> Pack:
        """A pack, resolved over what it inherits. Raises NotHereYet, or PackInvalid."""
        ref = f"{pack}@{version}"
        if ref not in self._packs:
            chain = chain_of(ref, self._wires)
            if chain is None:
                raise NotHereYet(f"pack {ref}, or one that it inherits, has not arrived yet")
            self._packs[ref] = resolve(chain)
        return self._packs[ref]

    @property
    def packs(self) -> Mapping[str, WirePack]:
        """All packs that arrived, by `P@V`."""
        return self._wires

    def key_of(self, key: str, secret: str, now: datetime) -> PolicyKey | None:
        """The key with this id, if the secret is right and it is neither revoked nor expired."""
        found = self.keys.get(key)
        digest = hashlib.sha256(secret.encode()).hexdigest()
        right = hmac.compare_digest(digest, found.secret_sha256 if found else "0" * 64)
        if found is None or not right or found.revoked_at is not None:
            return None
        return None if found.expires_at is not None and found.expires_at <= now else found


async def watch_policy(policy: Policy, bus: Bus) -> None:
    """Keep the policy up to date, for ever."""
    failures = 0
    while True:
        try:
            async with bus.read(TOPICS["desk"]) as reader:
                while True:
                    for record in await reader.read(wait=READ_WAIT):
                        _take(policy, record)
                    failures = 0
                    if reader.caught_up:
                        policy.caught_up()
        except BusUnavailable as error:
            # What was read stays good; a revocation may come late, and readiness says so.
            policy.problem = "the log is away: the policy may be out of date"
            log.warning("policy cannot be read", error=str(error))
            failures += 1
            await asyncio.sleep(min(5.0, 0.2 * 2**failures))


def _take(policy: Policy, record: Record) -> None:
    try:
        header = read_header(record.value)
        body = BY_TYPE.get(header.type)
        if body is not None:
            policy.apply(read_event(header, body))
    except Unreadable as error:
        policy.problem = f"unreadable policy event at offset {record.offset}: {error}"
        log.error("policy event skipped", offset=record.offset, error=str(error))
