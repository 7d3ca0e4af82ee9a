"""What a unit changes about timers, gathered: any number of changes costs a few statements at its end."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from sqlalchemy import bindparam, update

from shared.ids import new_id
from shared.store.lists import UpsertInsert, unless_there

if TYPE_CHECKING:
    from shared.store.transaction import Tx

Kind = Literal["arm", "once", "disarm"]
KINDS: Final[tuple[Kind, ...]] = ("arm", "once", "disarm")


class TimerKey(NamedTuple):
    """What a timer is known by. In the order in which rows are locked."""

    subject: str
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one timer."""

    kind: Kind
    due_at: datetime | None = None
    body: Mapping[str, Any] | None = None


class Arming:
    """The changes of one unit, each timer's in order."""

    def __init__(self) -> None:
        self._steps: dict[TimerKey, list[Step]] = {}
        self._cleared: set[tuple[str, str]] = set()

    def add(self, timer: TimerKey, step: Step) -> None:
        """Add a change behind those there are, in as few steps as come to the same."""
        self._steps[timer] = following(self._steps.get(timer, ()), step)

    def clear(self, subject: str, name: str) -> None:
        """Disarm whatever the timer's key is."""
        # What the database has is cleared before all steps; what is still to be written is disarmed behind its own.
        self._cleared.add((subject, name))
        for timer in [one for one in self._steps if (one.subject, one.name) == (subject, name)]:
            self.add(timer, Step("disarm"))

    async def write(self, tx: "Tx") -> None:
        """Write the changes, the first of every timer at once, then the second ones, of which there are few."""
        steps, cleared = self._steps, self._cleared
        self._steps, self._cleared = {}, set()
        if cleared:
            await _clear(tx, sorted(cleared))
        for place in range(max(map(len, steps.values()), default=0)):
            for kind in KINDS:
                chosen = {
                    timer: of_timer[place]
                    for timer, of_timer in sorted(steps.items())
                    if place < len(of_timer) and of_timer[place].kind == kind
                }
                if chosen:
                    await _write(tx, kind, chosen)


def following(steps: Sequence[Step], step: Step) -> list[Step]:
    """The steps with one more behind them. Setting a timer makes everything before it pointless."""
    if step.kind == "arm":
        return [step]
    if step.kind == "once" and any(one.kind != "disarm" for one in steps):
        return [*steps]
    if steps and steps[-1].kind == step.kind:
        return [*steps]
    return [*steps, step]


async def _clear(tx: "Tx", cleared: Sequence[tuple[str, str]]) -> None:
    table = tx.frame.timers
    statement = update(table).where(
        table.c.subject == bindparam("of_subject"),
        table.c.name == bindparam("of_name"),
        table.c.state == "armed",
    )
    rows = [{"of_subject": subject, "of_name": name} for subject, name in cleared]
    await tx.execute(statement.values(state="cancelled"), rows)


async def _write(tx: "Tx", kind: Kind, chosen: Mapping[TimerKey, Step]) -> None:
    if kind == "disarm":
        await _disarm(tx, list(chosen))
        return
    rows = [
        timer._asdict()
        | {"id": new_id(), "due_at": step.due_at, "epoch": 1, "state": "armed", "body": dict(step.body or {})}
        for timer, step in chosen.items()
    ]  # fmt: skip
    await tx.add(tx.frame.timers, rows, _anew if kind == "arm" else unless_there)


def _anew(new: UpsertInsert) -> UpsertInsert:
    moved = {"due_at": new.excluded.due_at, "body": new.excluded.body, "state": "armed",
             "epoch": new.table.c.epoch + 1, "error": None}  # fmt: skip
    return new.on_conflict_do_update(index_elements=["name", "subject", "key"], set_=moved)


async def _disarm(tx: "Tx", timers: Sequence[TimerKey]) -> None:
    table = tx.frame.timers
    statement = update(table).where(
        table.c.subject == bindparam("of_subject"),
        table.c.name == bindparam("of_name"),
        table.c.key == bindparam("of_key"),
        table.c.state == "armed",
    )
    rows = [{"of_subject": one.subject, "of_name": one.name, "of_key": one.key} for one in timers]
    await tx.execute(statement.values(state="cancelled"), rows)
