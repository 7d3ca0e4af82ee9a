"""What commands are sent with, and what they mean to the case."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import AwareDatetime, BaseModel, Field, StrictBool

from services.followup.model import CallbackResult, CallbackSettled, Contacted, Promised, Resolved
from services.followup.policy.doing import Accepting, Closing, Doing, Reopening
from services.followup.policy.lifecycle import CommandName
from shared.contracts.values import Outcome
from shared.errors import FieldError, Invalid
from shared.web.body import FilledText

AHEAD: Final = timedelta(minutes=5)
"""How far ahead of ours somebody's clock may be."""
Words = Annotated[FilledText, Field(max_length=2_000)]


class AcceptIn(BaseModel):
    """Nothing needs to be said."""


class PromiseIn(BaseModel):
    """What will happen, and by when."""

    what: Words
    by: AwareDatetime


class ContactIn(BaseModel):
    """A talk with the customer. `heard` false: nobody was reached."""

    heard: StrictBool = True
    restated: StrictBool = False
    apologised: StrictBool = False
    promised: PromiseIn | None = None


class ResolveIn(BaseModel):
    """The outcome that the customer was told."""

    outcome: Outcome
    reason: Words
    remedy: Words | None = None
    told_at: AwareDatetime


class CallbackIn(BaseModel):
    """What the customer said; `skipped` needs a note that says why."""

    result: CallbackResult
    note: Words | None = None


class CloseIn(BaseModel):
    """Nothing needs to be said."""


class ReopenIn(BaseModel):
    """Why it goes on."""

    reason: Words


@dataclass(frozen=True, slots=True)
class Edge:
    """What comes from outside: the time and an id for what is made."""

    now: datetime
    id: str


def _accept(_: AcceptIn, __: Edge) -> Doing:
    return Accepting()


def _contact(body: ContactIn, edge: Edge) -> Doing:
    promised = None
    if body.promised is not None:
        if body.promised.by <= edge.now:
            raise _wrong(
                "promised.by", "past", "is past: promise a time ahead", "承诺时间应晚于现在"
            )
        promised = Promised(edge.id, body.promised.what, body.promised.by)
    return Contacted(body.heard, body.restated, body.apologised, promised)


def _resolve(body: ResolveIn, edge: Edge) -> Doing:
    if body.told_at > edge.now + AHEAD:
        raise _wrong(
            "told_at", "future", "is in the future: tell the customer first", "告知时间不能晚于现在"
        )
    return Resolved(body.outcome, body.reason, body.remedy, body.told_at)


def _callback(body: CallbackIn, _: Edge) -> Doing:
    if body.result == "skipped" and body.note is None:
        raise _wrong("note", "missing", "says why the callback is skipped", "跳过回访须说明原因")
    return CallbackSettled(body.result, body.note)


def _close(_: CloseIn, __: Edge) -> Doing:
    return Closing()


def _reopen(body: ReopenIn, _: Edge) -> Doing:
    return Reopening(body.reason)


def _wrong(field: str, code: str, message: str, zh: str) -> Invalid:
    return Invalid(
        f"{field} {message}.", zh=f"{field}：{zh}。", errors=[FieldError(field, code, message, zh)]
    )


@dataclass(frozen=True, slots=True)
class CommandIn:
    """A command's body and how it is read."""

    model: type[BaseModel]
    read: Callable[[Any, Edge], Doing]


COMMAND_BODIES: Final[Mapping[CommandName, CommandIn]] = MappingProxyType(
    {
        "accept": CommandIn(AcceptIn, _accept),
        "contact": CommandIn(ContactIn, _contact),
        "resolve": CommandIn(ResolveIn, _resolve),
        "callback": CommandIn(CallbackIn, _callback),
        "close": CommandIn(CloseIn, _close),
        "reopen": CommandIn(ReopenIn, _reopen),
    }
)
