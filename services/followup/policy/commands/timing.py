"""Time: clocks that stand still, are put off, are asked for; who hurries and who watches."""

from typing import Final

from pydantic import StrictBool

from services.followup.model import (
    ClockAsked,
    EscalationTaken,
    ExtensionAsked,
    ExtensionDecided,
    PackAdopted,
    Paused,
    Supervised,
    Unpaused,
    Urged,
)
from services.followup.policy.amending import asked, open_reasons
from services.followup.policy.clocks import Reading, latest
from services.followup.policy.commands.order import (
    Deeds,
    Ground,
    Moment,
    Name,
    Order,
    Words,
    clean,
    clean_or_none,
    must_be_ahead,
    wrong,
)
from services.followup.policy.rules import REGULATOR
from services.followup.policy.timed import WAITING
from shared.errors import Conflict, FieldError, Forbidden
from shared.packs.words import TermText
from shared.worktime import Term, parse_term

KEY: Final = "key/"


class PauseClocks(Order):
    """The pausable clocks stand still, for a reason of the pack's; the customer is told."""

    reason: Name
    note: Words | None = None


def pause_clocks(order: PauseClocks, on: Ground) -> Deeds:
    reasons = on.rules.pack.pausing.reasons
    if order.reason not in reasons:
        raise wrong(
            "reason",
            "unknown",
            f"is none of the pack's: {', '.join(reasons)}",
            "不是策略包中的暂停原因",
        )
    if order.reason in open_reasons(on.case.timed):
        raise wrong("reason", "open", "is what they stand still for already", "已因该原因暂停")
    return [on.fact(Paused(order.reason, clean_or_none(order.note)))]


class ResumeClocks(Order):
    """What the clocks stood still for is over."""

    reason: Name


def resume_clocks(order: ResumeClocks, on: Ground) -> Deeds:
    reasons = open_reasons(on.case.timed)
    if order.reason not in reasons:
        raise wrong(
            "reason",
            "unknown",
            f"is nothing that they stand still for: {', '.join(reasons) or 'they run'}",
            "时限并未因该原因暂停",
        )
    if order.reason == WAITING and not _is_paused_by_hand(on):
        raise wrong(
            "reason",
            "open_question",
            "is over once the question is answered: `record_facts` with `answers`",
            "请以 record_facts 记录客户的答复",
        )
    return [on.fact(Unpaused(order.reason))]


def _is_paused_by_hand(on: Ground) -> bool:
    return any(
        isinstance(one.what, Paused) and one.what.reason == WAITING
        for one in on.case.timed.amendments
    )


class StartClock(Order):
    """An optional clock of the pack's is to run for this case, and why."""

    clock: Name
    reason: Words


def start_clock(order: StartClock, on: Ground) -> Deeds:
    may = [one.name for one in on.rules.pack.clocks if one.optional or one.regime]
    if order.clock not in may:
        raise wrong("clock", "unknown", f"is no clock to ask for: {', '.join(may)}", "不是可选时限")
    if order.clock in asked(on.case.timed):
        raise wrong("clock", "running", "was asked for already", "该时限已启动")
    return [on.fact(ClockAsked(order.clock, clean(order.reason)))]


class AskExtension(Order):
    """A clock is to be put off by a term (`3wd`), before it is due; `basis` is the rule that allows it."""

    clock: Name
    by: TermText
    reason: Words
    basis: Words | None = None


def ask_extension(order: AskExtension, on: Ground) -> Deeds:
    reading = _open_clock(on, order.clock)
    if on.case.timed.extension is not None:
        raise _conflict(
            "extension",
            "open",
            "another one waits to be decided: `decide_extension` first",
            "已有待审批的延期",
        )
    _must_be_in_time(reading, on)
    _must_be_possible(reading, parse_term(order.by), order.basis)
    id_ = on.numbered("e", on.case.timed.extensions)
    said = ExtensionAsked(
        id_, order.clock, order.by, clean(order.reason), clean_or_none(order.basis)
    )
    return [on.fact(said)]


def _open_clock(on: Ground, name: str) -> Reading:
    found = latest(on.clocks, cycle=on.case.cycle)
    open_ = {one.clock.name: one for one in found if one.clock.met_at is None and not one.is_ended}
    if name not in open_:
        raise wrong(
            "clock",
            "unknown",
            f"is no open clock of the case: {', '.join(open_) or 'none is open'}",
            "不是该工单进行中的时限",
        )
    return open_[name]


def _must_be_in_time(reading: Reading, on: Ground) -> None:
    if reading.clock.state != "paused" and reading.clock.due_at <= on.now:
        raise _conflict(
            "clock",
            "late",
            "it is due already: an extension is asked for before that",
            "时限已过，延期须在到期前办理",
        )


def _must_be_possible(reading: Reading, by: Term, basis: str | None) -> None:
    """No law's limit is put off; an authority's only on its word; working time only by working time."""
    plan = reading.plan
    if plan.clock == REGULATOR.name:
        if basis is None:
            raise _conflict(
                "basis",
                "missing",
                "only the authority puts it off: say how it did",
                "须注明监管部门同意延期的依据",
            )
    elif plan.statutory_due_at is not None and plan.due_at >= plan.statutory_due_at:
        raise _conflict(
            "clock",
            "statutory",
            "it is the law's limit: nobody here puts it off",
            "法定期限不得延期",
        )
    if plan.term and parse_term(plan.term).is_working != by.is_working:
        raise wrong(
            "by",
            "unit",
            f"is counted otherwise than the clock's {plan.term}: use "
            f"{'wd, wh or wm' if parse_term(plan.term).is_working else 'd, h, m or w'}",
            "延期的时间单位与时限不一致",
        )


class DecideExtension(Order):
    """A second person grants the extension that was asked for, or does not; the customer is told of one granted."""

    granted: StrictBool
    note: Words | None = None


def decide_extension(order: DecideExtension, on: Ground) -> Deeds:
    extension = on.case.timed.extension
    if extension is None:
        raise _conflict(
            "extension", "missing", "none was asked for: `ask_extension` first", "没有待审批的延期"
        )
    if on.by.startswith(KEY) or on.by == extension.asked_by:
        raise Forbidden(
            "This takes a second person: neither a key nor who asked.",
            zh="延期须由第二人审批，不能由申请人或密钥审批。",
        )
    if order.granted:
        _must_be_in_time(_open_clock(on, extension.clock), on)
    note = clean_or_none(order.note)
    return [
        on.fact(ExtensionDecided(extension.id, order.granted, extension.clock, extension.by, note))
    ]


class AdoptPack(Order):
    """The open deadlines are to follow another version of the case's pack, and why. What was met stays as it was."""

    pack_version: Name
    reason: Words


def adopt_pack(order: AdoptPack, on: Ground) -> Deeds:
    return [on.fact(PackAdopted(order.pack_version, clean(order.reason)))]


class Urge(Order):
    """Somebody asks to hurry (催办): the customer, or staff for them."""

    text: Words
    by_customer: StrictBool = True


def urge(order: Urge, on: Ground) -> Deeds:
    return [on.fact(Urged(clean(order.text), order.by_customer))]


class Supervise(Order):
    """The case is put under supervision (督办); `due_at` is when its handler is to report."""

    reason: Words
    due_at: Moment | None = None

    def check(self, now: Moment) -> None:
        if self.due_at is not None:
            must_be_ahead("due_at", self.due_at, now)


def supervise(order: Supervise, on: Ground) -> Deeds:
    return [on.fact(Supervised(clean(order.reason), order.due_at))]


class TakeEscalation(Order):
    """Who was told of the escalation takes note: the ladder stops at this level."""

    note: Words | None = None


def take_escalation(order: TakeEscalation, on: Ground) -> Deeds:
    case = on.case
    if case.level <= max(1, case.timed.taken_level):
        raise _conflict(
            "level", "taken", "there is no escalation to take note of", "没有待确认的升级"
        )
    return [on.fact(EscalationTaken(case.level, clean_or_none(order.note)))]


def _conflict(field: str, code: str, message: str, zh: str) -> Conflict:
    return Conflict(
        f"It is not possible now: {message}.",
        zh=f"暂时不能进行：{zh}。",
        errors=[FieldError(field, code, message, zh)],
    )
