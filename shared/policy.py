"""Who may do what, and by which pack: the topic `redress.policy`, read whole into memory by every process."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final

from shared import telemetry
from shared.bus.port import Bus, BusUnavailable, Record
from shared.clock import Clock
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
from shared.packs.model import Pack
from shared.packs.wire import WirePack
from shared.packs_in_force import PacksInForce
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
        self._packs = PacksInForce()
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
                self._packs.add(pack)
            case PolicyInForce() as in_force:
                self._packs.put(in_force)
            case PolicySeeded():
                self._seeded = True
            case _:
                pass

    def caught_up(self, now: datetime) -> None:
        """Everything that was in the topic has been read."""
        if self._seeded:
            if not self.is_ready:
                # Half a second a pack, which the first complaint, and all beside it, would wait.
                self.packs_problem(now)
            self.is_ready, self.problem = True, None
            self.changed.set()
        else:
            self.problem = "no policy.seeded yet: run `redress migrate`"

    def derive_ahead(self, make: Callable[[Pack], object]) -> None:
        """Have what `make` makes of a pack ready before it judges: `pack.derived(make)`."""
        self._packs.derive_ahead(make)

    def prepare(self, said: PolicyInForce) -> None:
        """Read a pack that is about to be in force."""
        self._packs.is_good(f"{said.pack}@{said.version}")

    def packs_problem(self, now: datetime) -> str | None:
        """What is wrong with packs that are in force, or will be; the service goes on by the last good ones.

        Reads those that were not read yet.
        """
        return self._packs.problem(now)

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
        """Pack and version a unit is judged by at `now`: its own, else its nearest ancestor's. Raises NotHereYet.

        One that this program cannot read counts as not there: the last good one stays.
        """
        found = self._packs.of(self.upwards(unit), now)
        if found is None:
            raise NotHereYet(f"no pack is in force for unit {unit!r} yet")
        pack, _, version = found.partition("@")
        return pack, version

    def pack(self, pack: str, version: str) -> Pack:
        """A pack, resolved over what it inherits, or what stands in for one that cannot be read here.

        Raises NotHereYet, or PackInvalid where nothing can stand in.
        """
        roots = [one.id for one in self.units.values() if one.parent is None]
        return self._packs.pack(f"{pack}@{version}", roots)

    @property
    def packs(self) -> Mapping[str, WirePack]:
        """All packs that arrived, by `P@V`."""
        return self._packs.wires

    def key_of(self, key: str, secret: str, now: datetime) -> PolicyKey | None:
        """The key with this id, if the secret is right and it is neither revoked nor expired."""
        found = self.keys.get(key)
        digest = hashlib.sha256(secret.encode()).hexdigest()
        right = hmac.compare_digest(digest, found.secret_sha256 if found else "0" * 64)
        if found is None or not right or found.revoked_at is not None:
            return None
        return None if found.expires_at is not None and found.expires_at <= now else found


async def watch_policy(policy: Policy, bus: Bus, clock: Clock) -> None:
    """Keep the policy up to date, for ever."""
    failures = 0
    while True:
        try:
            async with bus.read(TOPICS["desk"]) as reader:
                while True:
                    for record in await reader.read(wait=READ_WAIT):
                        await _take(policy, record)
                    failures = 0
                    if reader.caught_up:
                        policy.caught_up(clock.now())
        except BusUnavailable as error:
            # What was read stays good; a revocation may come late, and readiness says so.
            policy.problem = "the log is away: the policy may be out of date"
            log.warning("policy cannot be read", error=str(error))
            failures += 1
            await asyncio.sleep(min(5.0, 0.2 * 2**failures))


async def _take(policy: Policy, record: Record) -> None:
    try:
        header = read_header(record.value)
        body = BY_TYPE.get(header.type)
        if body is not None:
            event = read_event(header, body)
            if policy.is_ready and isinstance(event.body, PolicyInForce):
                # Beside the loop: whoever works with the one in force so far does not wait for it.
                await asyncio.to_thread(policy.prepare, event.body)
            policy.apply(event)
    except Unreadable as error:
        policy.problem = f"unreadable policy event at offset {record.offset}: {error}"
        log.error("policy event skipped", offset=record.offset, error=str(error))
