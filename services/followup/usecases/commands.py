"""Commands: who issues one sees at once whether it may be, and what the case is after it."""

from dataclasses import dataclass

from services.followup import store
from services.followup.model import Case
from services.followup.policy.case import fold
from services.followup.policy.doing import Doing, done
from services.followup.policy.lifecycle import COMMANDS, Command, CommandName, missing
from services.followup.policy.rules import Rules
from services.followup.store import Kept
from services.followup.usecases.record import Followup, record
from shared.contracts.desk import Role
from shared.contracts.followup import CaseBody
from shared.errors import Conflict, Forbidden, NotFound
from shared.store.transaction import Tx
from shared.web.idempotency import claim
from shared.web.versions import check_version

ACCOUNT = "account/"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who issues a command, by their credential. `role` is None for a machine's key."""

    id: str
    role: Role | None
    units: frozenset[str]
    may_write: bool


@dataclass(frozen=True, slots=True)
class Order:
    """One command as it was sent. `version` None means any; `key` is the Idempotency-Key."""

    name: CommandName
    number: str
    doing: Doing
    actor: Actor
    version: int | None
    key: str | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Done:
    """The case after a command; `is_replay` when the command had been done before under the same key."""

    complaint: str
    unit: str
    body: CaseBody
    is_replay: bool


async def command(tx: Tx, context: Followup, order: Order) -> Done:
    """Do a command once. Raises NotFound, Stale, Forbidden, then Conflict that names every missing fact."""
    kept = await _locked(tx, order)
    case, body = fold(kept.facts), kept.body
    if case is None or body is None:
        raise _not_found(order.number)
    made = await claim(
        tx,
        scope=f"{order.actor.id}:commands",
        key=order.key,
        fingerprint=order.fingerprint,
        reference=kept.complaint,
        now=tx.now,
    )
    if made is not None:
        return Done(kept.complaint, kept.unit, body, is_replay=True)
    check_version(order.version, body.version)
    known = COMMANDS[order.name]
    rules = context.rules(case.received.pack, case.received.pack_version)
    check_actor(order.actor, known, case, rules)
    if errors := missing(known, case):
        raise Conflict(
            f"{order.name} is not possible yet: see errors.",
            zh=f"暂时不能{known.zh}，见 errors。",
            errors=errors,
        )
    by = order.actor.id
    facts = done(order.doing, case, rules=rules, complaint=kept.complaint, by=by, now=tx.now)
    after = record(tx, context, kept, facts, by=by, what=order.name)
    return Done(kept.complaint, kept.unit, after or body, is_replay=False)


def check_actor(actor: Actor, known: Command, case: Case, rules: Rules) -> None:
    """Raise Forbidden unless the actor may issue the command on this case."""
    if not actor.may_write:
        raise Forbidden(
            "This needs the scope followup:write.", zh="此操作需要权限 followup:write。"
        )
    if actor.role is None:
        return
    if actor.role not in known.roles:
        raise Forbidden(
            f"{known.name} is for {', '.join(known.roles)}; you are {actor.role}.",
            zh=f"您的角色不能{known.zh}。",
        )
    is_owner = (
        case.owner.handler is not None and actor.id.removeprefix(ACCOUNT) == case.owner.handler
    )
    if known.name == "accept" and actor.role == "handler" and case.owner.handler and not is_owner:
        raise Forbidden(
            "It is assigned to somebody else: its handler or a supervisor accepts it.",
            zh="该工单已派给他人，只能由其处理人或主管受理。",
        )
    if known.name == "callback" and is_owner and rules.pack.callback.not_by_handler:
        raise Forbidden(
            "The callback is made by somebody else than the case's handler.",
            zh="回访不能由该工单的处理人进行。",
        )


async def _locked(tx: Tx, order: Order) -> Kept:
    place = await store.place_of(tx, order.number)
    if place is None or place[1] not in order.actor.units:
        raise _not_found(order.number)
    complaint, unit = place
    await tx.lock(complaint)
    return await store.load(tx, complaint, unit=unit)


def _not_found(number: str) -> NotFound:
    return NotFound(f"There is no case {number}.", zh=f"没有工单 {number}。")
