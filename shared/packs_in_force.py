"""Which pack judges a unit, and what is done about one that this program cannot read: the last good one stays."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from shared import telemetry
from shared.contracts.desk import PolicyInForce, PolicyPack
from shared.errors import NotHereYet
from shared.packs.located import PackError, PackInvalid
from shared.packs.model import Pack
from shared.packs.wire import WirePack, chain_of, resolve

UPGRADE: Final = (
    "Upgrade this service, or put another version in force: redress packs use, redress packs back"
)

log = telemetry.logger("packs")


class Begin(NamedTuple):
    """A pack version that judges from `since` on."""

    ref: str
    since: datetime


class PacksInForce:
    """The packs that arrived and from when each judges which unit. Nothing here waits, nothing here stops a service."""

    def __init__(self) -> None:
        self.wires: dict[str, WirePack] = {}
        self._begins: dict[str, tuple[Begin, ...]] = {}
        self._read: dict[str, Pack] = {}
        self._refused: dict[str, PackInvalid] = {}
        self._ahead: list[Callable[[Pack], object]] = []

    def derive_ahead(self, make: Callable[[Pack], object]) -> None:
        """Have `pack.derived(make)` ready with each pack: else the first complaint, and all beside it, wait for it."""
        self._ahead.append(make)

    def add(self, said: PolicyPack) -> None:
        """A version arrived; one that is here is never replaced."""
        ref = f"{said.pack}@{said.version}"
        self.wires.setdefault(ref, WirePack(ref=ref, inherits=said.inherits, body=said.body))

    def put(self, said: PolicyInForce) -> None:
        """A unit is judged by another version from a time on. Of equal times the later one said counts."""
        now = Begin(f"{said.pack}@{said.version}", said.since)
        before = tuple(Begin(f"{one.pack}@{one.version}", one.since) for one in said.before)
        # Desks that do not say what was before are believed by what was heard of them.
        begins = (*(before or self._begins.get(said.unit, ())), now)
        self._begins[said.unit] = tuple(sorted(begins, key=lambda one: one.since))

    def of(self, units: Iterable[str], now: datetime) -> str | None:
        """The last good version, `P@V`, in force at `now` for the first of `units` that has one."""
        return next(self._good(self._begun(units, now)), None)

    def pack(self, ref: str, units: Sequence[str]) -> Pack:
        """A version, resolved over what it inherits; the last good one before it in its place where it cannot be read.

        `units`: whose packs may stand in where it is in force nowhere. Raises NotHereYet, or PackInvalid where there
        is no good one either.
        """
        if self.is_good(ref):
            return self._read[ref]
        if ref not in self._refused:
            raise NotHereYet(f"pack {ref}, or one that it inherits, has not arrived yet")
        good = next(self._good(self._before(ref, units)), None)
        if good is None:
            raise self._refused[ref]
        return self._read[good]

    def is_good(self, ref: str) -> bool:
        """Whether a version is here with all it inherits and can be read."""
        if ref not in self._read and ref not in self._refused:
            chain = chain_of(ref, self.wires)
            if chain is None:
                return False
            try:
                self._read[ref] = self._prepared(resolve(chain))
            except PackInvalid as error:
                self._refuse(ref, error)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with a pack stops it, never a service
                message = f"{type(error).__name__}: {error}"
                self._refuse(ref, PackInvalid([PackError(ref, 0, "pack", message, UPGRADE)]))
        return ref in self._read

    def _prepared(self, pack: Pack) -> Pack:
        for make in self._ahead:
            pack.derived(make)
        return pack

    def _refuse(self, ref: str, error: PackInvalid) -> None:
        self._refused[ref] = error
        log.error(
            "a pack cannot be read: the last good one stays in force", pack=ref, error=str(error)
        )

    def problem(self, now: datetime) -> str | None:
        """Which packs that are or will be in force cannot be read here, why, and what to do; None where all can."""
        wrong: dict[str, list[str]] = {}
        for unit, begins in self._begins.items():
            for one in _lasting(begins, now):
                if not self.is_good(one.ref):
                    wrong.setdefault(one.ref, []).append(unit)
        if not wrong:
            return None
        return (
            f"{'; '.join(self._told(ref, units, now) for ref, units in wrong.items())}. {UPGRADE}"
        )

    def _told(self, ref: str, units: Sequence[str], now: datetime) -> str:
        error = self._refused.get(ref)
        why = error.errors[0] if error else "it, or what it inherits, never arrived"
        stays = self.of(units[:1], now)
        where = ", ".join(units[:3]) + ("…" if len(units) > 3 else "")  # noqa: PLR2004 - a line must be read
        return f"{ref} for {where} cannot be read by this program, {stays or 'its parent unit’s'} stays in force: {why}"

    def _begun(self, units: Iterable[str], now: datetime) -> Iterator[str]:
        for unit in units:
            for one in reversed(self._begins.get(unit, ())):
                if one.since <= now:
                    yield one.ref

    def _before(self, ref: str, units: Sequence[str]) -> Iterator[str]:
        """What was in force before `ref` where it is in force, the latest first; then what `units` have."""
        for begins in self._begins.values():
            refs = [one.ref for one in begins]
            if ref in refs:
                yield from reversed(refs[: refs.index(ref)])
        for unit in units:
            yield from reversed([one.ref for one in self._begins.get(unit, ())])

    def _good(self, refs: Iterable[str]) -> Iterator[str]:
        return (ref for ref in refs if self.is_good(ref))


def _lasting(begins: Sequence[Begin], now: datetime) -> Sequence[Begin]:
    """What is in force at `now`, and what will be."""
    begun = [place for place, one in enumerate(begins) if one.since <= now]
    return begins[begun[-1] if begun else 0 :]
