"""What a customer gets to make it right: proposed, approved, answered, paid, and if need be taken back."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from services.followup.model.remedies import (
    PayoutRequested,
    PayoutReversed,
    PayoutSettled,
    RemedyAnswered,
    RemedyDecided,
    RemedyProposed,
)
from services.followup.policy.commands.order import (
    Deeds,
    Ground,
    Moment,
    Name,
    Order,
    Words,
    clean,
    clean_or_none,
    must_be_one_of,
    wrong,
)
from services.followup.policy.remedies.approving import (
    must_approve,
    must_be_within,
    needed,
)
from services.followup.policy.remedies.calculate import Advice, advise
from services.followup.policy.remedies.fold import UNPAID
from services.followup.policy.remedies.ledger import holds
from services.followup.policy.remedies.money import checked
from services.followup.policy.remedies.options import fits
from shared.contracts.values import CaseRemedy, RemedyState
from shared.errors import Conflict, FieldError, Forbidden
from shared.packs.remedies import VALUED, Form, Remedy
from shared.worktime import add_term, parse_term

MOST_REMEDIES: Final = 50
"""In one case: whoever needs more has another kind of trouble."""
PERSON: Final = "account/"


class MoneyIn(BaseModel):
    """An amount, as text with its decimals, and its currency."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    amount: Decimal
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "CNY"


class OfferRemedy(Order):
    """A remedy of the pack's and why. `inputs` are for its calculator, by name; `calculation` says how the amount comes
    about where the calculator does not. `instead_of`: the remedy that it takes the place of, in another form.
    """

    remedy: Name
    reason: Words
    form: Form | None = None
    amount: MoneyIn | None = None
    inputs: Annotated[Mapping[Name, Name], Field(max_length=20, default_factory=dict)]
    calculation: Words | None = None
    instead_of: Name | None = None


def offer_remedy(order: OfferRemedy, on: Ground) -> Deeds:
    pack, known = on.rules.pack, on.case.work.remedies
    if len(known) >= MOST_REMEDIES:
        raise _not_now(
            "remedy", "many", f"the case has {MOST_REMEDIES} already", "该工单的补救已达上限"
        )
    understood = on.case.understanding
    category = understood.categories[0] if understood and understood.categories else None
    fitting = {one.code: one for one in pack.remedies if fits(one, category)}
    must_be_one_of(
        "remedy", order.remedy, list(fitting), not_=f"is not for {category}: choose of", zh="该类问题没有此补救"
    )  # fmt: skip
    rule = fitting[order.remedy]
    form = order.form or rule.forms[0]
    must_be_one_of("form", form, rule.forms, not_="is none of", zh="该补救没有此形式")
    old = _replaced(order, on)
    amount, zh, en = _counted(order, rule, form, on)
    freed = old.amount.amount if old and old.amount and holds(old.state) != "budget" else Decimal(0)
    needs = needed(pack, rule, amount, spent=on.purse.spent - freed)
    how = pack.compensation
    proposed = RemedyProposed(
        id=on.numbered("r", len(known)),
        code=rule.code,
        name_zh=rule.name.zh,
        name_en=rule.name.en,
        form=form,
        amount=amount,
        currency=how.currency,
        reason=clean(order.reason),
        basis_zh=rule.basis.zh,
        basis_en=rule.basis.en,
        calculation_zh=zh,
        calculation_en=en,
        needs=needs.rank,
        over_budget=needs.over_budget,
        expires_at=_until(on, how.approve_within if needs.rank else how.use_within),
        instead_of=old.id if old else None,
    )
    return [on.fact(proposed)]


def _until(on: Ground, term: str) -> Moment:
    calendar = on.rules.calendar(on.rules.pack.compensation.calendar)
    return add_term(calendar, on.now, parse_term(term)).at


def _replaced(order: OfferRemedy, on: Ground) -> CaseRemedy | None:
    """The remedy that another form takes the place of. Raises Conflict where it is paid, or being paid."""
    if order.instead_of is None:
        return None
    old = _of(on, order.instead_of, field="instead_of")
    if old.state in {"payout_requested", "paid"}:
        raise _not_now(
            "instead_of", "state", f"{old.id} is {old.state}: only what is not paid can be changed",
            f"{old.id} 已支付或正在支付，不能更换",
        )  # fmt: skip
    return old


def _counted(
    order: OfferRemedy, rule: Remedy, form: Form, on: Ground
) -> tuple[Decimal | None, str, str]:
    """The amount with its calculation in both languages. Raises Invalid that names the rule which it breaks."""
    currency = on.rules.pack.compensation.currency
    if form not in VALUED:
        if order.amount is not None:
            raise wrong("amount", "form", f"is not for a {form}: leave it out", "该形式没有金额")
        return None, "", ""
    advice = advise(rule, order.inputs, on.case.work.known, currency=currency) or Advice()
    is_asked = rule.calculator is not None and rule.calculator.statutory
    if advice.lacks and (is_asked or order.amount is None):
        raise wrong(
            f"inputs.{advice.lacks[0]}", "missing", f"is needed to count {rule.code}: give {', '.join(advice.lacks)}",
            f"计算{rule.code}还需要：{'、'.join(advice.lacks)}",
        )  # fmt: skip
    if order.amount is None and advice.amount is None:
        why = (
            (advice.why_zh, advice.why_en)
            if advice.why_en
            else ("没有计算规则", "nothing counts it")
        )
        raise wrong("amount", "missing", f"is needed: {why[1]}", f"须填写金额：{why[0]}")
    given = order.amount
    offered = given.amount if given is not None else advice.amount or Decimal(0)
    amount = checked(
        "amount", offered, given.currency if given is not None else currency, wanted=currency
    )
    must_be_within(rule, amount, (advice.floor, rule.minimum), advice.ceiling, currency)
    if amount == advice.amount:
        return amount, advice.steps_zh, advice.steps_en
    if order.calculation is None:
        raise wrong(
            "calculation", "missing", "says how the amount comes about: the customer's notice holds it",
            "须说明金额如何得出：通知客户时必须写明",
        )  # fmt: skip
    return amount, clean(order.calculation), clean(order.calculation)


class DecideRemedy(Order):
    """A second person approves the remedy within their limit, or does not and says why."""

    remedy: Name
    approved: StrictBool
    note: Words | None = None

    def check(self, now: Moment) -> None:  # noqa: ARG002 - as the others
        if not self.approved and self.note is None:
            raise wrong("note", "missing", "says why it is not approved", "不批准须说明原因")


def decide_remedy(order: DecideRemedy, on: Ground) -> Deeds:
    found = _of(on, order.remedy)
    must_approve(found.needs, proposed_by=found.proposed_by, by=on.by, rank=on.purse.rank)
    _must_be(found, "proposed", "it awaits no approval", "不在待审批状态")
    _must_hold(found, on)
    until = _until(on, on.rules.pack.compensation.use_within)
    note = clean_or_none(order.note)
    return [on.fact(RemedyDecided(found.id, order.approved, on.purse.rank, until, note))]


class AnswerRemedy(Order):
    """What the customer said to the remedy, and by which channel; who refuses may be offered another form."""

    remedy: Name
    accepted: StrictBool
    channel: Name
    reason: Words | None = None


def answer_remedy(order: AnswerRemedy, on: Ground) -> Deeds:
    found = _of(on, order.remedy)
    _must_be(
        found, "approved", "only what is approved and not answered is", "须先获批且客户尚未答复"
    )
    _must_hold(found, on)
    reason = clean_or_none(order.reason)
    return [on.fact(RemedyAnswered(found.id, order.accepted, order.channel, reason))]


class PayRemedy(Order):
    """Have it paid. Whoever pays is told its reference; the same reference is the same payment, however often told."""

    remedy: Name


def pay_remedy(order: PayRemedy, on: Ground) -> Deeds:
    found = _of(on, order.remedy)
    if found.reference is not None and found.state in {"payout_requested", "paid", "reversed"}:
        raise _not_now(
            "remedy", "paid", f"{found.id} is {found.state} under {found.reference}: it is paid once",
            f"{found.id} 已按 {found.reference} 支付或正在支付，不会重复支付",
        )  # fmt: skip
    _must_be(found, "accepted", "the customer has to accept it first", "须客户先接受")
    if found.amount is None:
        raise wrong(
            "remedy", "form", "has no amount: there is nothing to pay", "没有金额，无须支付"
        )
    _must_hold(found, on)
    attempt = found.attempts + 1
    reference = f"{on.case.received.number}-{found.id}-{attempt}"
    return [on.fact(PayoutRequested(found.id, attempt, reference))]


class ConfirmPayout(Order):
    """What became of the payment of that reference: paid, with its receipt, or failed, and why. Telling it again
    changes nothing.
    """

    reference: Name
    paid: StrictBool = True
    receipt: Name | None = None
    reason: Words | None = None

    def check(self, now: Moment) -> None:  # noqa: ARG002 - as the others
        if self.paid and self.receipt is None:
            raise wrong("receipt", "missing", "says what shows the payment", "须填写支付凭证号")
        if not self.paid and self.reason is None:
            raise wrong("reason", "missing", "says why it failed", "须说明失败原因")


def confirm_payout(order: ConfirmPayout, on: Ground) -> Deeds:
    names = {one.reference: one for one in on.case.work.remedies if one.reference is not None}
    found = names.get(order.reference)
    if found is None:
        earlier = _earlier(order.reference, on)
        if earlier is not None:
            raise _not_now(
                "reference", "settled", f"that payment had failed; {earlier.reference} took its place",
                f"该笔支付已记为失败，已由 {earlier.reference} 替代",
            )  # fmt: skip
        must_be_one_of(
            "reference", order.reference, list(names), not_="is none of", zh="没有该支付编号"
        )
        return ()
    receipt, reason = clean_or_none(order.receipt), clean_or_none(order.reason)
    if found.state == "payout_requested":
        return [on.fact(PayoutSettled(found.id, found.attempts, order.paid, receipt, reason))]
    is_same = order.paid == (found.paid_at is not None) and receipt == found.receipt
    if is_same:
        return ()
    raise _not_now(
        "reference", "settled", f"it is settled otherwise: {found.state}, receipt {found.receipt}",
        f"该笔支付已有结果：凭证 {found.receipt}",
    )  # fmt: skip


def _earlier(reference: str, on: Ground) -> CaseRemedy | None:
    """The remedy of whose earlier, failed attempt that is the reference."""
    for one in on.case.work.remedies:
        base = f"{on.case.received.number}-{one.id}-"
        if reference in {f"{base}{attempt}" for attempt in range(1, one.attempts)}:
            return one
    return None


class ReversePayout(Order):
    """What was paid is to be had back: paid to the wrong person, too much, twice by the bank. Say why."""

    remedy: Name
    reason: Words


def reverse_payout(order: ReversePayout, on: Ground) -> Deeds:
    found = _of(on, order.remedy)
    if found.requested_by == on.by and on.by.startswith(PERSON):
        raise Forbidden(
            "You had it paid: somebody else takes it back.", zh="支付由您发起，须由他人冲回。"
        )
    _must_be(found, "paid", "only what is paid can be taken back", "只有已支付的才能冲回")
    return [on.fact(PayoutReversed(found.id, clean(order.reason)))]


def _of(on: Ground, id_: str, field: str = "remedy") -> CaseRemedy:
    """The remedy of that id. Raises Invalid."""
    known = {one.id: one for one in on.case.work.remedies}
    must_be_one_of(field, id_, list(known), not_="is none of", zh="没有该补救")
    return known[id_]


def _must_be(found: CaseRemedy, state: RemedyState, message: str, zh: str) -> None:
    if found.state == "expired":
        raise _expired(found)
    if found.state != state:
        raise _not_now(
            "remedy", "state", f"{found.id} is {found.state}: {message}", f"{found.id}：{zh}"
        )


def _must_hold(found: CaseRemedy, on: Ground) -> None:
    """Raise Conflict for what ran out, also before its timer noticed."""
    if found.state in UNPAID and on.now >= found.expires_at:
        raise _expired(found)


def _expired(found: CaseRemedy) -> Conflict:
    until = found.expires_at.isoformat(timespec="minutes")
    return _not_now(
        "remedy", "expired", f"{found.id} held until {until}: offer it anew", f"{found.id} 已于 {until} 过期，请重新提出"
    )  # fmt: skip


def _not_now(field: str, code: str, message: str, zh: str) -> Conflict:
    return Conflict(f"{message}.", zh=f"{zh}。", errors=[FieldError(field, code, message, zh)])
