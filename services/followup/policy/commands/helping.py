"""What others do for a case: helper tasks, visits to the place, and looking at what the customer added."""

from typing import Annotated

from pydantic import Field

from services.followup.model import (
    Escalated,
    Going,
    Marked,
    MessageReviewed,
    PromiseDone,
    TaskDone,
    TaskGiven,
    Visited,
    VisitPlanned,
)
from services.followup.policy.case import OWN_STEPS
from services.followup.policy.clocks import lasts
from services.followup.policy.commands.order import (
    Deeds,
    Evidence,
    Ground,
    Ids,
    Moment,
    Name,
    Order,
    Words,
    clean,
    clean_all,
    clean_or_none,
    must_be_ahead,
    must_be_one_of,
    must_have_been,
    wrong,
)
from services.followup.policy.escalation import ASKED, asked_level


class GiveTask(Order):
    """Another team is to help, until a time; `owner` is an account of theirs, where one is known."""

    what: Words
    team: Name
    owner: Name | None = None
    due_at: Moment

    def check(self, now: Moment) -> None:
        must_be_ahead("due_at", self.due_at, now)


def give_task(order: GiveTask, on: Ground) -> Deeds:
    id_ = on.numbered("t", len(on.case.work.tasks))
    return [on.fact(TaskGiven(id_, clean(order.what), order.team, order.due_at, order.owner))]


class FinishTask(Order):
    """The other team did it, or says why it cannot."""

    task: Name
    finding: Words
    evidence: Evidence = ()


def finish_task(order: FinishTask, on: Ground) -> Deeds:
    open_ = [one.id for one in on.case.work.tasks if one.done_at is None]
    must_be_one_of("task", order.task, open_, not_="is no open task:", zh="没有该未完成的协办任务")
    return [on.fact(TaskDone(order.task, clean(order.finding), clean_all(order.evidence)))]


class VisitorIn(Order):
    """Who goes (an account), and as what."""

    role: Name
    account: Name


class PlanVisit(Order):
    """A visit to the place: when, and who goes, in two roles at least (R-089)."""

    visit_at: Moment
    visitors: Annotated[tuple[VisitorIn, ...], Field(min_length=2, max_length=10)]

    def check(self, now: Moment) -> None:
        must_be_ahead("visit_at", self.visit_at, now)
        if len({one.role for one in self.visitors}) < 2:  # noqa: PLR2004 - two roles look at it
            raise wrong("visitors", "one_role", "need two roles at least", "到场须有两种角色")


def plan_visit(order: PlanVisit, on: Ground) -> Deeds:
    going = tuple(Going(one.role, one.account) for one in order.visitors)
    id_ = on.numbered("v", len(on.case.work.visits))
    return [on.fact(VisitPlanned(id_, order.visit_at, going))]


class RecordVisit(Order):
    """They were there: what they found, photos (attachment ids), who of the customer's side signed, when (now)."""

    visit: Name
    findings: Words
    photos: Ids = ()
    witness: Words | None = None
    visited_at: Moment | None = None

    def check(self, now: Moment) -> None:
        if self.visited_at is not None:
            must_have_been("visited_at", self.visited_at, now)


def record_visit(order: RecordVisit, on: Ground) -> Deeds:
    planned = [one.id for one in on.case.work.visits if one.done_at is None]
    must_be_one_of(
        "visit", order.visit, planned, not_="is no planned visit:", zh="没有该待执行的到场安排"
    )
    witness, at = clean_or_none(order.witness), order.visited_at
    return [on.fact(Visited(order.visit, clean(order.findings), order.photos, witness, at))]


class ReviewMessage(Order):
    """Somebody looked at what the customer added. It reopens nothing: `reopen` does."""

    message: Name
    note: Words | None = None


def review_message(order: ReviewMessage, on: Ground) -> Deeds:
    waiting = [one.message_id for one in on.case.work.awaiting_review]
    if order.message not in waiting:
        raise wrong("message", "unknown", "does not await review", "该消息不在待查看之列")
    return [on.fact(MessageReviewed(order.message, clean_or_none(order.note)))]


class KeepPromise(Order):
    """What was promised happened, with what shows it."""

    promise: Name
    evidence: Words


def keep_promise(order: KeepPromise, on: Ground) -> Deeds:
    open_ = [one.id for one in on.case.promises if one.state == "open"]
    must_be_one_of(
        "promise", order.promise, open_, not_="is no open promise:", zh="没有该未兑现的承诺"
    )
    return [on.fact(PromiseDone(order.promise, clean(order.evidence)))]


class AskSupervisor(Order):
    """The customer, or somebody for them, asks that a supervisor looks at it."""

    reason: Words | None = None


def ask_supervisor(_: AskSupervisor, on: Ground) -> Deeds:
    return [on.fact(Escalated(asked_level(on.rules.pack, on.case.level), ASKED))]


class Mark(Order):
    """A step that the pack's clocks wait for was done, and when: by default now. Of a closed case: what comes after."""

    step: Name
    done_at: Moment | None = None
    evidence: Evidence = ()

    def check(self, now: Moment) -> None:
        if self.done_at is not None:
            must_have_been("done_at", self.done_at, now)


def mark(order: Mark, on: Ground) -> Deeds:
    clocks = [one for one in on.rules.pack.clocks if on.case.state != "closed" or lasts(one)]
    known = {step for one in clocks for step in (one.starts, one.stops)} - OWN_STEPS
    must_be_one_of(
        "step", order.step, sorted(known),
        not_="is none of the steps that its clocks wait for:", zh="时限没有该步骤",
    )  # fmt: skip
    at = order.done_at or on.now
    return [on.fact(Marked(order.step, at, clean_all(order.evidence)))]
