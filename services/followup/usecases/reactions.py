"""What followup makes of what others say. In any order between them the same case comes out."""

from datetime import datetime
from typing import Any

from services.followup import store
from services.followup.model import (
    FIRST_CYCLE,
    Acknowledged,
    Assigned,
    Fact,
    MessageAdded,
    MessageReviewed,
    Received,
    TriageRequested,
    Unassigned,
    Understood,
)
from services.followup.model.words import mark
from services.followup.policy.acknowledgement import acknowledges
from services.followup.policy.choice import choice
from services.followup.policy.commands.order import Ground
from services.followup.policy.commands.solving import answered
from services.followup.store import Kept
from services.followup.usecases.incidents import show
from services.followup.usecases.record import COMPLAINANT, Followup, case_of, record
from shared.contracts.envelope import Body, Event
from shared.contracts.intake import ComplaintMessageAdded, ComplaintReceived
from shared.contracts.notify import MessageBody, MessageFailed
from shared.contracts.routing import (
    ComplaintAssigned,
    ComplaintTriageRequested,
    ComplaintUnassigned,
    ComplaintUnderstood,
)
from shared.store.transaction import Tx


async def open_case(event: Event[ComplaintReceived], tx: Tx, context: Followup) -> None:
    """Open the case, for every kind, with whatever was heard about it already."""
    said = event.body
    context.must_know(event.unit)
    receipt = Received(
        number=said.number,
        code_sha256=said.code_sha256,
        channel=said.channel,
        language=said.language,
        complainant_id=said.complainant_id,
        anonymous=said.anonymous,
        reachable=said.reachable,
        pack=said.pack,
        pack_version=said.pack_version,
        opened_at=tx.now,
        area=said.area,
        authority=said.regulator.authority if said.regulator else None,
        authority_due_at=said.regulator.due_at if said.regulator else None,
    )
    await _add(event, tx, context, Fact(receipt, said.received_at, "intake"))
    await keep_text(event, tx, context)
    await show(event, tx, context)


async def keep_text(event: Event[ComplaintReceived], tx: Tx, _: Followup) -> None:
    """Keep the words for the indexer: all that search is made of, so that a rebuild can make it anew."""
    said = event.body
    tokens = sorted(set(said.reference_tokens.values()))
    words = " ".join(one for one in (said.subject, said.text, said.product, said.shop) if one)
    marks = [mark("r", one) for one in tokens]
    store.put_text(tx, event.subject, words, marks, unit=event.unit)


async def understand(event: Event[ComplaintUnderstood], tx: Tx, context: Followup) -> None:
    """Plan the clocks by what it is; a later understanding moves those that still run."""
    said = event.body
    what = Understood(
        said.kind, tuple(one.code for one in said.categories), said.severity, said.unsure,
        tuple(one.id for one in said.cues),
    )  # fmt: skip
    by = "routing" if said.by == "machine" else said.by
    await _add(event, tx, context, Fact(what, said.understood_at, by, FIRST_CYCLE, event.sequence))


async def ask_for_triage(event: Event[ComplaintTriageRequested], tx: Tx, context: Followup) -> None:
    """A person must look: triage has a clock of its own."""
    fact = Fact(TriageRequested(), event.time, "routing", event.body.cycle, event.sequence)
    await _add(event, tx, context, fact)


async def assign(event: Event[ComplaintAssigned], tx: Tx, context: Followup) -> None:
    """The case has an owner, who is to accept it."""
    said = event.body
    what = Assigned(said.team, said.handler)
    await _add(
        event, tx, context, Fact(what, said.assigned_at, "routing", said.cycle, event.sequence)
    )


async def unassign(event: Event[ComplaintUnassigned], tx: Tx, context: Followup) -> None:
    """The case waits for another owner."""
    said = event.body
    what = Unassigned(said.handler, said.reason)
    await _add(event, tx, context, Fact(what, event.time, "routing", said.cycle, event.sequence))


async def acknowledge(event: Event[MessageBody], tx: Tx, context: Followup) -> None:
    """A receipt of the acknowledgement stops its clock; so does that nobody can be written to."""
    said = event.body
    is_refusal = isinstance(said, MessageFailed)
    if not acknowledges(said, is_failed=is_refusal):
        return
    fact = Fact(Acknowledged(not is_refusal), said.at, "notify", said.cycle, event.sequence)
    kept = await store.load(tx, event.subject, unit=event.unit)
    known = [one.at for one in kept.facts if one.what == fact.what and one.cycle == fact.cycle]
    if known and min(known) <= fact.at:
        return
    record(tx, context, kept, [fact], by="followup", what=fact.what.name)


async def add_message(event: Event[ComplaintMessageAdded], tx: Tx, context: Followup) -> None:
    """What the customer adds awaits review and reopens nothing; a plain yes or no to a proposal is the answer."""
    said = event.body
    what = MessageAdded(
        said.message_id,
        said.by == "complainant",
        said.channel,
        said.text,
        tuple(one.id for one in said.attachments),
    )
    fact = Fact(what, said.added_at, "intake", FIRST_CYCLE, event.sequence)
    kept = await store.load(tx, event.subject, unit=event.unit)
    facts = [fact, *_answer(tx, kept, what, said.added_at, context)]
    record(tx, context, kept, facts, by="followup", what=what.name)


def _answer(tx: Tx, kept: Kept, what: MessageAdded, at: datetime, context: Followup) -> list[Fact]:
    """What a message answers: nothing, or the proposal that waited for it."""
    case, said = case_of(tx, kept), choice(what.text)
    solution = case.work.solution if case else None
    if case is None or case.state != "solution_proposed" or said is None or not what.by_complainant:
        return []
    if solution is None or solution.answer is not None or at < solution.proposed_at:
        return []
    ground = Ground(
        case=case,
        rules=context.rules_of(case),
        complaint=kept.complaint,
        by=COMPLAINANT,
        now=at,
        id=what.message_id,
        place=len(kept.facts),
    )
    reviewed = ground.own_fact(MessageReviewed(what.message_id))
    return [*answered(ground, accepted=said, channel=what.channel, reason=None), reviewed]


async def _add(event: Event[Any], tx: Tx, context: Followup, fact: Fact) -> None:
    body: Body = event.body
    kept = await store.load(tx, event.subject, unit=event.unit)
    record(tx, context, kept, [fact], by="followup", what=body.name.split(".")[1])
