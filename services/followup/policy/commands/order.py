"""What every command has: its order (what it was sent with) and its ground (the case and all it is judged by)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.followup.model import Case, ClockFact, Fact, What
from services.followup.model.remedies import NO_PURSE, Purse
from services.followup.policy.clocks import Reading
from services.followup.policy.redact import redacted
from services.followup.policy.rules import Rules
from shared.errors import FieldError, Invalid
from shared.text import FilledText

AHEAD: Final = timedelta(minutes=5)
"""How far ahead of ours somebody's clock may be."""
Words = Annotated[FilledText, Field(max_length=2_000)]
Name = Annotated[FilledText, Field(max_length=100)]
Ids = Annotated[tuple[Name, ...], Field(max_length=50)]
Evidence = Annotated[tuple[Words, ...], Field(max_length=20)]
Moment = AwareDatetime
SERVICE: Final = "followup"


class Order(BaseModel):
    """What a command is sent with. Unknown fields are ignored, as everywhere."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    def check(self, now: datetime) -> None:
        """Raise Invalid for what is wrong whatever the case is like."""


class Empty(Order):
    """Nothing needs to be said."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The case as it is, the rules it is judged by, who acts, when; `id` is new, for what is made.

    `place` grows with each command on the case: of two facts of one kind at one time it tells which is the later.
    """

    case: Case
    rules: Rules
    complaint: str
    by: str
    now: datetime
    id: str
    place: int = 0
    clocks: Sequence[Reading] = ()
    clock_facts: Sequence[ClockFact] = ()
    purse: Purse = NO_PURSE

    def fact(self, what: What, *, cycle: int | None = None, order: int | None = None) -> Fact:
        """Something that the actor makes happen now, in the present cycle unless said otherwise."""
        in_cycle = self.case.cycle if cycle is None else cycle
        return Fact(what, self.now, self.by, in_cycle, self.place if order is None else order)

    def own_fact(self, what: What) -> Fact:
        """The same, where the service itself does it."""
        return Fact(what, self.now, SERVICE, self.case.cycle, self.place)

    def numbered(self, letter: str, count: int) -> str:
        """A short id that is unique within the case: the letter, the cycle, one more than there are."""
        return f"{letter}{self.case.cycle}.{count + 1}"


Deeds = Sequence[Fact | ClockFact]
"""What a command adds: facts of the case, of its clocks, or both."""


def wrong(field: str, code: str, message: str, zh: str) -> Invalid:
    """One field that is wrong."""
    return Invalid(
        f"{field} {message}.", zh=f"{field}：{zh}。", errors=[FieldError(field, code, message, zh)]
    )


def must_be_one_of(field: str, named: str, known: Sequence[str], *, not_: str, zh: str) -> None:
    """Raise Invalid for what is none of those known. `not_`: what it then is, before their list."""
    if named not in known:
        raise wrong(field, "unknown", f"{not_} {', '.join(known) or 'none'}", zh)


def missing(field: str, message: str, zh: str) -> FieldError:
    """One fact that a command needs and that is not there."""
    return FieldError(field, "missing", message, zh)


def must_be_ahead(field: str, at: datetime, now: datetime) -> None:
    """Raise Invalid for a time that is past."""
    if at <= now:
        raise wrong(field, "past", "is past: give a time ahead", "应晚于现在")


def must_have_been(field: str, at: datetime, now: datetime) -> None:
    """Raise Invalid for a time in the future."""
    if at > now + AHEAD:
        raise wrong(field, "future", "is in the future: do it first, then tell", "时间不能晚于现在")


def clean(text: str) -> str:
    """Free text as it may be kept. Free text is redacted here, and nowhere later."""
    return redacted(text)


def clean_or_none(text: str | None) -> str | None:
    return redacted(text) if text else None


def clean_all(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(redacted(one) for one in texts)
