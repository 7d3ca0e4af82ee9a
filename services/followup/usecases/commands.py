"""Commands: who issues one sees at once whether it may be, and what the case is after it."""

from collections.abc import Callable
from dataclasses import dataclass

from services.followup import store
from services.followup.model import Case, ClockFact, Fact, PackAdopted
from services.followup.model.remedies import NO_PURSE, Purse
from services.followup.policy import clocks
from services.followup.policy.commands.order import Deeds, Ground, wrong
from services.followup.policy.commands.order import Order as Sent
from services.followup.policy.lifecycle import COMMANDS, Command, missing
from services.followup.policy.rules import Rules
from services.followup.store import Kept
from services.followup.usecases.record import COMPLAINANT, Followup, case_of, record
from services.followup.usecases.remedies import held_purse
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
    """One command as it was sent. `version` None means any; `key` is the Idempotency-Key; `id` is for what it makes."""

    name: str
    number: str
    sent: Sent
    actor: Actor
    version: int | None
    key: str | None
    fingerprint: str
    id: str


@dataclass(frozen=True, slots=True)
class Done:
    """The case after a command; `is_replay` when the command had been done before under the same key."""

    complaint: str
    unit: str
    body: CaseBody
    is_replay: bool


@dataclass(frozen=True, slots=True)
class CustomerOrder:
    """What a customer sent, let in by number and code. `meaning` tells which command it is on the case as it stands."""

    complaint: str
    unit: str
    number: str
    meaning: Callable[[CaseBody], tuple[str, Sent]]
    key: str | None
    fingerprint: str
    id: str


async def command(tx: Tx, context: Followup, order: Order) -> Done:
    """Do a command once. Raises NotFound, Stale, Forbidden, then Conflict that names every missing fact."""
    kept = await _locked(tx, order)
    case, body = case_of(tx, kept), kept.body
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
    rules = context.rules_of(case)
    check_actor(order.actor, known, case, rules)
    purse = NO_PURSE
    if known.needs_purse:
        purse = await held_purse(
            tx, context.policy, rules.pack, unit=kept.unit, actor=order.actor.id, zone=context.zone
        )
    after = do(tx, context, kept, known, order.sent, by=order.actor.id, id_=order.id, purse=purse)
    return Done(kept.complaint, kept.unit, after or body, is_replay=False)


async def customer_command(tx: Tx, context: Followup, order: CustomerOrder) -> Done:
    """Do a customer's command once, on the case as it is now. Raises Conflict or Invalid."""
    await tx.lock(order.complaint)
    kept = await store.load(tx, order.complaint, unit=order.unit)
    if kept.body is None:
        raise _not_found(order.number)
    made = await claim(
        tx,
        scope=f"{COMPLAINANT}:{order.complaint}",
        key=order.key,
        fingerprint=order.fingerprint,
        reference=order.complaint,
        now=tx.now,
    )
    if made is not None:
        return Done(kept.complaint, kept.unit, kept.body, is_replay=True)
    name, sent = order.meaning(kept.body)
    after = do(tx, context, kept, COMMANDS[name], sent, by=COMPLAINANT, id_=order.id)
    return Done(kept.complaint, kept.unit, after or kept.body, is_replay=False)


def do(
    tx: Tx, context: Followup, kept: Kept, known: Command, sent: Sent, *, by: str, id_: str,
    purse: Purse = NO_PURSE,
) -> CaseBody | None:  # fmt: skip
    """Do a command on a locked case. Raises Conflict that names every missing fact, or Invalid."""
    case = case_of(tx, kept)
    if case is None:
        raise ValueError(f"{kept.complaint} is not open yet")
    if errors := missing(known, case, sent):
        raise Conflict(
            f"{known.name} is not possible yet: see errors.",
            zh=f"暂时不能{known.zh}，见 errors。",
            errors=errors,
        )
    ground = Ground(
        case=case,
        rules=context.rules_of(case),
        complaint=kept.complaint,
        by=by,
        now=tx.now,
        id=id_,
        place=len(kept.facts),
        clocks=clocks.read(kept.clock_facts),
        clock_facts=kept.clock_facts,
        purse=purse,
    )
    deeds = known.do(sent, ground)
    _must_be_known(context, case, deeds)
    return record(
        tx,
        context,
        kept,
        [one for one in deeds if isinstance(one, Fact)],
        by=by,
        what=known.name,
        about_clocks=[one for one in deeds if isinstance(one, ClockFact)],
    )


def _must_be_known(context: Followup, case: Case, deeds: Deeds) -> None:
    """Raise Invalid for a version of the pack that is not here."""
    for one in deeds:
        if isinstance(one, Fact) and isinstance(one.what, PackAdopted):
            pack, version = case.received.pack, one.what.pack_version
            if not context.knows(pack, version):
                message = f"is no version of {pack}"
                raise wrong("pack_version", "unknown", message, "没有该版本的策略包")


def check_actor(actor: Actor, known: Command, case: Case, rules: Rules) -> None:
    """Raise Forbidden unless the actor may issue the command on this case."""
    if not actor.may_write:
        raise Forbidden(
            "This needs the scope followup:write.", zh="此操作需要权限 followup:write。"
        )
    if known.who in ("second_person", "approver"):
        _check_person(actor)
    if known.who == "second_person":
        _check_second_person(actor, case)
    if actor.role is None:
        return
    if actor.role not in known.roles:
        raise Forbidden(
            f"{known.name} is for {', '.join(known.roles)}; you are {actor.role}.",
            zh=f"您的角色不能{known.zh}。",
        )
    handler = case.owner.handler
    is_owner = handler is not None and actor.id.removeprefix(ACCOUNT) == handler
    if known.who == "owner" and actor.role == "handler" and handler and not is_owner:
        raise Forbidden(
            f"It is assigned to somebody else: its handler or a supervisor may {known.name} it.",
            zh=f"该工单已派给他人，只能由其处理人或主管{known.zh}。",
        )
    if known.who == "not_owner" and is_owner and rules.pack.callback.not_by_handler:
        raise Forbidden(
            f"{known.name} is for somebody else than the case's handler.",
            zh=f"{known.zh}不能由该工单的处理人进行。",
        )


def _check_person(actor: Actor) -> None:
    """Two persons are two persons: no key."""
    if actor.role is None:
        raise Forbidden(
            "This takes a second person: a key cannot be one.",
            zh="此操作须由第二人完成，不能使用密钥。",
        )


def _check_second_person(actor: Actor, case: Case) -> None:
    """Not who decided."""
    if case.work.decision is not None and case.work.decision.by == actor.id:
        raise Forbidden(
            "You decided it: somebody else confirms it.", zh="认定由您作出，须由他人复核。"
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
