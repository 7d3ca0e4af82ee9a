"""What a customer is shown of the case: in words, nothing internal, no personal data."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.followup.policy.lifecycle import STATES
from shared.contracts.followup import CaseBody
from shared.contracts.values import Promise, Resolution


@dataclass(frozen=True, slots=True)
class Words:
    """The same in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Step:
    """One of the four golden steps (S003), and when it was done."""

    name: str
    words: Words
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Next:
    """What comes next, and by when."""

    words: Words
    by: datetime | None


@dataclass(frozen=True, slots=True)
class Offer:
    """What was proposed and waits for a yes or no: each action and by when. Who does it is internal."""

    round: int
    actions: Sequence[tuple[str, datetime]]


@dataclass(frozen=True, slots=True)
class CustomerView:
    """Where a complaint stands, for the person who made it."""

    number: str
    received_at: datetime
    state: Words
    is_closed: bool
    steps: Sequence[Step]
    promises: Sequence[Promise]
    next: Next | None
    offer: Offer | None
    questions: Sequence[str]
    resolution: Resolution | None
    recourse: Sequence[str]
    may: Sequence[str]
    """What the customer can do now, by the command's name."""


LISTEN: Final = Words("倾听与确认", "We listen and confirm")
UNDERSTAND: Final = Words("理解与同理", "We understand")
SOLVE: Final = Words("解决问题与补偿", "We solve it and make up for it")
IMPROVE: Final = Words("反馈与改进", "We ask you, and improve")
CONTACT: Final = Words("我们会与您联系", "We get in touch with you")
SOLUTION: Final = Words("我们会告知您处理方案", "We tell you how we solve it")
ANSWER: Final = Words(
    "请您答复处理方案：接受或不接受", "Please tell us whether you accept what we propose"
)
CALLBACK: Final = Words("我们会回访，确认问题是否解决", "We ask you whether it is solved")
CONFIRM: Final = Words("我们会确认后办结", "We confirm and close it")


def view(case: CaseBody, callback_due_at: datetime | None) -> CustomerView:
    """Where it stands in the four steps, what was promised, what comes next."""
    words = STATES[case.state]
    resolved_at = case.resolution.resolved_at if case.resolution else None
    return CustomerView(
        number=case.number,
        received_at=case.received_at,
        state=Words(words.customer_zh, words.customer_en),
        is_closed=case.state in ("closed", "withdrawn"),
        steps=(
            Step("listen", LISTEN, case.acknowledged_at),
            Step("understand", UNDERSTAND, case.contacted_at),
            Step("solve", SOLVE, resolved_at),
            Step("improve", IMPROVE, case.closed_at),
        ),
        promises=case.promises,
        next=_next(case, callback_due_at),
        offer=_offer(case),
        questions=[one.text for one in case.questions if one.answered_at is None],
        resolution=case.resolution,
        recourse=case.recourse,
        may=_may(case),
    )


def _offer(case: CaseBody) -> Offer | None:
    waiting = [one for one in case.solutions if one.answer is None]
    if case.state != "solution_proposed" or not waiting:
        return None
    return Offer(waiting[-1].round, [(one.what, one.due_at) for one in waiting[-1].actions])


def _may(case: CaseBody) -> list[str]:
    if case.state in ("closed", "withdrawn"):
        return ["add"]
    is_asked = case.resolution is not None and case.callback_result in (
        None,
        "skipped",
        "unreached",
    )
    found = ["answer"] if is_asked or _offer(case) else []
    return [*found, "add", "withdraw", "ask_supervisor"]


def _next(case: CaseBody, callback_due_at: datetime | None) -> Next | None:
    due = {clock.name: clock.due_at for clock in case.clocks if clock.met_at is None}
    if case.state in ("closed", "withdrawn"):
        return None
    if case.resolution is not None:
        if case.callback_result is None and callback_due_at is not None:
            return Next(CALLBACK, due.get("callback", callback_due_at))
        return Next(CONFIRM, due.get("closure"))
    if _offer(case) is not None:
        return Next(ANSWER, None)
    if case.contacted_at is None and "first_contact" in due:
        return Next(CONTACT, due["first_contact"])
    return Next(SOLUTION, due.get("solution"))
