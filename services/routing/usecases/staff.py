"""Who is there and what they can do: staff data is taken over, and handlers come and go by it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing import store
from services.routing.model.hours import next_change
from services.routing.model.staff import Leave, Staff, Team, WorkShift
from services.routing.policy.sheet import Given, Wrong
from services.routing.policy.staffing import Checking, Known, check
from services.routing.store import staff
from services.routing.usecases.assign import CAPACITY, know
from services.routing.usecases.context import Routing
from shared.contracts.desk import PolicyAccount
from shared.contracts.values import SEVERITIES
from shared.errors import FieldError, Invalid, NotFound, NotHereYet
from shared.packs.located import PackInvalid
from shared.packs.model import Pack
from shared.store.timers import Timer
from shared.store.transaction import Tx

MOST_ERRORS: Final = 100
MOST_HANDED_OVER: Final = 500


async def set_presence(
    tx: Tx, routing: Routing, *, handler: str, present: bool, units: frozenset[str]
) -> None:
    """Somebody comes or goes. Raises NotFound outside the caller's units."""
    handler_in_reach(routing, handler, units)
    await know(tx, routing)
    await store.set_presence(tx, handler, present=present)
    if present:
        store.give_turn(tx)


def handler_in_reach(routing: Routing, handler: str, units: frozenset[str]) -> PolicyAccount:
    """The account of a handler of these units. Raises NotFound."""
    account = account_in_reach(routing, handler, units)
    if account.role != "handler":
        raise NotFound(f"There is no handler {handler!r}.", zh=f"没有处理人 {handler}。")
    return account


def account_in_reach(routing: Routing, id_: str, units: frozenset[str]) -> PolicyAccount:
    """An account of these units, whatever its role. Raises NotFound."""
    account = routing.policy.accounts.get(id_)
    if account is None or account.unit not in units:
        raise NotFound(f"There is no handler {id_!r}.", zh=f"没有处理人 {id_}。")
    return account


async def check_staff(
    connection: AsyncConnection,
    routing: Routing,
    given: Sequence[Given],
    *,
    units: frozenset[str],
    now: datetime,
) -> Checking:
    """What taking over would do, and everything that forbids it."""
    named = {one.value.handler for one in given if not isinstance(one.value, Team)}
    return check(given, await _known(connection, routing, named, units=units, now=now))


async def keep_staff(
    tx: Tx,
    routing: Routing,
    given: Sequence[Given],
    *,
    units: frozenset[str],
    wrong: Sequence[Wrong] = (),
) -> Checking:
    """Take over all of it or nothing. `wrong`: what could not even be read. Raises Invalid, naming line and field."""
    await know(tx, routing)
    found = await check_staff(tx.connection, routing, given, units=units, now=tx.now)
    if wrong or found.wrong:
        raise refused([*wrong, *found.wrong])
    await staff.keep_teams(tx, found.values(Team))
    await staff.keep_handlers(tx, found.values(Staff))
    shifts, leaves = found.values(WorkShift), found.values(Leave)
    await staff.keep_shifts(tx, shifts)
    await staff.keep_leaves(tx, leaves)
    await staff.note_shifts(tx, {one.handler for one in shifts})
    moved = {one.handler for one in found.values(Staff)}
    moved |= {one.handler for one in shifts} | {one.handler for one in leaves}
    await _follow(tx, moved)
    return found


def refused(wrong: Sequence[Wrong]) -> Invalid:
    """What is wrong, each with line and field, the first hundred."""
    ordered = sorted(wrong, key=lambda one: (one.line, one.field))[:MOST_ERRORS]
    errors = [
        FieldError(
            f"line {one.line}.{one.field}" if one.line else one.field, one.code, one.en, one.zh
        )
        for one in ordered
    ]
    return Invalid(
        f"{len(wrong)} fields are wrong, nothing was taken over: see errors.",
        zh=f"共{len(wrong)}处错误，未作任何改动，见 errors。",
        errors=errors,
    )


async def forget_handler(tx: Tx, routing: Routing, *, handler: str, units: frozenset[str]) -> None:
    """Do without what is known of a handler. Raises NotFound."""
    account = handler_in_reach(routing, handler, units)
    await know(tx, routing)
    if not await staff.forget_handler(tx, handler, languages=account.languages, capacity=CAPACITY):
        raise _none("staff data of that handler", "该处理人没有人员资料")
    store.give_turn(tx)


async def drop_team(tx: Tx, *, unit: str, team: str, units: frozenset[str]) -> None:
    """Do without a team that was said; the pack's of that name holds again. Raises NotFound."""
    if unit not in units or not await staff.drop_team(tx, unit=unit, team=team):
        raise _none("such team", "没有该班组")


async def drop_shift(
    tx: Tx, routing: Routing, *, handler: str, starts_at: datetime, units: frozenset[str]
) -> None:
    """Take out a shift. Raises NotFound."""
    handler_in_reach(routing, handler, units)
    await know(tx, routing)
    if not await staff.drop(tx, store.SHIFTS, handler=handler, starts_at=starts_at):
        raise _none("such shift", "没有该班次")
    await staff.note_shifts(tx, {handler})
    await _follow(tx, {handler})


async def drop_leave(
    tx: Tx, routing: Routing, *, handler: str, starts_at: datetime, units: frozenset[str]
) -> None:
    """Take out a leave. Raises NotFound."""
    handler_in_reach(routing, handler, units)
    await know(tx, routing)
    if not await staff.drop(tx, store.LEAVES, handler=handler, starts_at=starts_at):
        raise _none("such leave", "没有该休假")
    await _follow(tx, {handler})


def _none(what: str, zh: str) -> NotFound:
    return NotFound(f"There is no {what}.", zh=f"{zh}。")


async def change_of_duty(timer: Timer, tx: Tx, routing: Routing) -> None:
    """A handler comes or goes by plan: who waits has a turn, and what is severe does not wait for the next shift."""
    roster = await know(tx, routing)
    one = roster.handlers.get(timer.subject)
    await _follow(tx, {timer.subject})
    if one is None or one.away != "off_shift":
        return
    team = await staff.team_of(
        tx, units=list(routing.policy.upwards(one.unit)), team=one.team or ""
    )
    if team is None or team.hands_over is None:
        return
    units = frozenset(routing.policy.units)
    rows = await staff.open_of(tx.connection, handler=one.id, units=units, limit=MOST_HANDED_OVER)
    for row in rows:
        if SEVERITIES.index(row.severity) >= SEVERITIES.index(team.hands_over):
            body = {"handler": one.id}
            tx.arm(store.END_OF_SHIFT, subject=row.complaint, due_at=tx.now, body=body)


async def _follow(tx: Tx, handlers: Collection[str]) -> None:
    """Come back when one of these next comes or goes; meanwhile who waits is looked at."""
    known = {one.handler: one for one in await staff.handlers_of(tx.connection, handlers)}
    periods: dict[str, list[WorkShift | Leave]] = {one: [] for one in handlers}
    for shift in await staff.shifts(tx.connection, handlers):
        periods[shift.handler].append(shift)
    for leave in await staff.leaves(tx.connection, handlers):
        periods[leave.handler].append(leave)
    for id_ in handlers:
        due_at = _next_change(known.get(id_), periods[id_], tx.now)
        if due_at is None:
            tx.disarm(store.DUTY, subject=id_)
        else:
            tx.arm(store.DUTY, subject=id_, due_at=due_at)
    if handlers:
        store.give_turn(tx)


def _next_change(
    one: Staff | None, periods: Sequence[WorkShift | Leave], now: datetime
) -> datetime | None:
    found = [at for each in periods for at in (each.starts_at, each.ends_at) if at > now]
    if one is not None and one.hours is not None and one.zone is not None:
        change = next_change(one.hours, one.zone, now)
        found += [change] if change is not None else []
    return min(found, default=None)


async def _known(
    connection: AsyncConnection,
    routing: Routing,
    named: Collection[str],
    *,
    units: frozenset[str],
    now: datetime,
) -> Known:
    policy = routing.policy
    above = {unit: list(policy.upwards(unit)) for unit in units}
    packs = _packs(routing, units, now)
    by_login = {one.login: one.id for one in policy.accounts.values()}
    ids = {by_login.get(one, one) for one in named}
    seen = frozenset().union(*above.values())
    accounts = {id_: one for id_, one in policy.accounts.items() if one.unit in seen}
    reached = {id_: one for id_, one in accounts.items() if one.unit in units or one.role != "handler"}  # fmt: skip
    mine = {id_ for id_ in ids if id_ in reached}
    shifts: dict[str, list[WorkShift]] = {}
    for shift in await staff.shifts(connection, mine):
        shifts.setdefault(shift.handler, []).append(shift)
    leaves: dict[str, list[Leave]] = {}
    for leave in await staff.leaves(connection, mine):
        leaves.setdefault(leave.handler, []).append(leave)
    return Known(
        accounts=reached,
        above=above,
        teams={unit: frozenset(one.code for one in pack.teams) for unit, pack in packs.items()},
        skills={unit: pack.derived(_skills) for unit, pack in packs.items()},
        kept_teams={(one.unit, one.id): one for one in await staff.teams(connection, seen)},
        staff={one.handler: one for one in await staff.handlers(connection, units)},
        shifts=shifts,
        leaves=leaves,
    )


def _packs(routing: Routing, units: Collection[str], now: datetime) -> Mapping[str, Pack]:
    found: dict[str, Pack] = {}
    for unit in units:
        try:
            found[unit] = routing.policy.pack(*routing.policy.in_force(unit, now))
        except (NotHereYet, PackInvalid):
            continue  # then only what staff data itself says of teams is known
    return found


def _skills(pack: Pack) -> frozenset[str]:
    """All skills that a pack's teams and categories speak of."""
    teams = {skill for one in pack.teams for skill in one.skills}
    return frozenset(teams | {skill for one in pack.taxonomy for skill in one.skills})


def teams_of(
    routing: Routing, unit: str, kept: Sequence[Team], now: datetime
) -> list[tuple[Team, str]]:
    """The teams that hold for a unit, by id, each with where it is said: `staff` or `pack`."""
    found: dict[str, tuple[Team, str]] = {}
    for pack in _packs(routing, [unit], now).values():
        for one in pack.teams:
            team = Team(unit, one.code, one.name.zh, one.name.en, skills=tuple(one.skills))
            found[one.code] = team, "pack"
    by_unit: dict[str, list[Team]] = {}
    for each in kept:
        by_unit.setdefault(each.unit, []).append(each)
    for at in reversed(list(routing.policy.upwards(unit))):
        found |= {each.id: (each, "staff") for each in by_unit.get(at, ())}
    return [found[id_] for id_ in sorted(found)]
