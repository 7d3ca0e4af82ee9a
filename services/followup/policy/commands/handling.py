"""Taking a case on, giving it back, and talking with the customer."""

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import Field, StrictBool

from services.followup.model import (
    Accepted,
    Asked,
    Contacted,
    FactsRecorded,
    Noted,
    Promised,
    Refused,
    Replied,
)
from services.followup.policy.commands.order import (
    Deeds,
    Empty,
    Ground,
    Ids,
    Moment,
    Name,
    Order,
    Words,
    clean,
    clean_or_none,
    must_be_ahead,
    wrong,
)

MOST_QUESTIONS: Final = 3
"""At once: nobody answers a questionnaire (generic pack, acknowledgement)."""


class Accept(Empty):
    """The handler takes the case on."""


def accept(_: Accept, on: Ground) -> Deeds:
    return [on.fact(Accepted(on.case.assignment))]


class Refuse(Order):
    """The handler gives the case back: why it is not theirs."""

    reason: Words


def refuse(order: Refuse, on: Ground) -> Deeds:
    handler = on.case.owner.handler or ""
    return [on.fact(Refused(on.case.assignment, handler, clean(order.reason)))]


class Promising(Order):
    """What will happen, by when, and who does it."""

    what: Words
    by: Moment
    who: Name | None = None


class Contact(Order):
    """A talk with the customer. `heard` false: nobody was reached."""

    heard: StrictBool = True
    restated: StrictBool = False
    apologised: StrictBool = False
    promised: Promising | None = None

    def check(self, now: Moment) -> None:
        if self.promised is not None:
            must_be_ahead("promised.by", self.promised.by, now)


def contact(order: Contact, on: Ground) -> Deeds:
    told = order.promised
    promised = Promised(on.id, clean(told.what), told.by, clean_or_none(told.who)) if told else None
    return [on.fact(Contacted(order.heard, order.restated, order.apologised, promised))]


class AskCustomer(Order):
    """What the customer is asked, at most three questions at once; they get it as a message."""

    questions: Annotated[tuple[Words, ...], Field(min_length=1, max_length=MOST_QUESTIONS)]
    channel: Name | None = None


def ask_customer(order: AskCustomer, on: Ground) -> Deeds:
    known = len(on.case.work.questions)
    asked = {on.numbered("q", known + at): clean(text) for at, text in enumerate(order.questions)}
    reply = Replied(
        id=on.id, template="ask", channel=order.channel, questions=tuple(asked.values())
    )
    return [on.fact(Asked(asked)), on.fact(reply)]


class RecordFacts(Order):
    """What came to be known, by the pack's facts; `answers` names the questions that this answers."""

    values: Annotated[Mapping[Name, Words], Field(max_length=50, default_factory=dict)]
    answers: Ids = ()
    attachments: Ids = ()


def record_facts(order: RecordFacts, on: Ground) -> Deeds:
    if not (order.values or order.answers or order.attachments):
        raise wrong("values", "missing", "says what came to be known", "请填写获知的事实")
    known = {one.id for one in on.rules.pack.facts}
    for name in order.values.keys() - known if known else ():
        raise wrong(
            f"values.{name}", "unknown", f"is no fact of the pack: {', '.join(sorted(known))}",
            "不在策略包的事实清单中",
        )  # fmt: skip
    asked = {one.id for one in on.case.work.questions}
    for name in order.answers:
        if name not in asked:
            raise wrong("answers", "unknown", f"has no question {name!r}", "没有该问题")
    values = {name: clean(text) for name, text in order.values.items()}
    return [on.fact(FactsRecorded(values, order.answers, order.attachments))]


class Note(Order):
    """A note for colleagues; the customer never sees it."""

    text: Words
    attachments: Ids = ()


def note(order: Note, on: Ground) -> Deeds:
    return [on.fact(Noted(clean(order.text), order.attachments))]


class Reply(Order):
    """An answer to the customer: free `text`, or a `template` of the pack's; notify sends it."""

    text: Words | None = None
    template: Name | None = None
    channel: Name | None = None
    attachments: Ids = ()
    apologised: StrictBool = False

    def check(self, now: Moment) -> None:  # noqa: ARG002 - as the others
        if (self.text is None) == (self.template is None):
            raise wrong(
                "text", "missing", "or template is needed, one of the two", "正文与模板须二选一"
            )


def reply(order: Reply, on: Ground) -> Deeds:
    if order.template is not None and order.template not in {
        one.id for one in on.rules.pack.templates
    }:
        raise wrong(
            "template", "unknown", "is no template of the case's pack", "策略包中没有该模板"
        )
    said = Replied(
        id=on.id,
        text=clean_or_none(order.text),
        template=order.template,
        channel=order.channel,
        attachments=order.attachments,
        apologised=order.apologised,
    )
    return [on.fact(said)]
