"""What the commands of incidents are sent with."""

from typing import Annotated, Final

from pydantic import Field, StrictBool

from services.followup.policy.commands.ending import Resolve
from services.followup.policy.commands.order import (
    Empty,
    Evidence,
    Ids,
    Moment,
    Name,
    Order,
    Words,
    must_be_ahead,
    wrong,
)
from shared.contracts.incidents import Sign

MOST_AT_ONCE: Final = 100
Numbers = Annotated[tuple[Name, ...], Field(min_length=1, max_length=MOST_AT_ONCE)]


class SignIn(Order):
    """What complaints of one cause share: `by` such as `area`, `batch_no` or a reference's name, and the value."""

    by: Name
    value: Name

    def sign(self) -> Sign:
        return Sign(by=self.by, value=self.value)


class OpenIncident(Order):
    """What it is about in both languages; its first members; by what others are known; which candidate it came from."""

    zh: Words
    en: Words
    numbers: Annotated[tuple[Name, ...], Field(max_length=MOST_AT_ONCE)] = ()
    sign: SignIn | None = None
    categories: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    is_candidate: StrictBool = False
    """Whether it is what routing offered as a candidate, `sign` being that candidate's."""
    unit: Name | None = None


class Attach(Order):
    """Complaints that are part of it, by their numbers."""

    numbers: Numbers


class Detach(Order):
    """Complaints that are no part of it after all, and why."""

    numbers: Numbers
    reason: Words


class Follow(Order):
    """By what new complaints join by themselves; without a sign none do."""

    sign: SignIn | None = None
    categories: Annotated[tuple[Name, ...], Field(max_length=20)] = ()


class TeammateIn(Order):
    """An account, and as what it works on the incident."""

    account: Name
    role: Name


class FormTeam(Order):
    """Who answers for it, and who works on it: the whole team each time."""

    lead: Name
    team: Annotated[tuple[TeammateIn, ...], Field(max_length=50)] = ()


class ObjectIn(Order):
    """One object to be looked at, and where it is."""

    object: Words
    place: Words | None = None


class PlanInspections(Order):
    """Like objects that are to be looked at (排查)."""

    objects: Annotated[tuple[ObjectIn, ...], Field(min_length=1, max_length=MOST_AT_ONCE)]


class RecordInspection(Order):
    """What was found of one object."""

    inspection: Name
    faulty: StrictBool
    finding: Words
    photos: Ids = ()


class FindCause(Order):
    """Why it happened, by the pack's causes; `preliminary` until the evidence is in."""

    code: Name
    text: Words
    preliminary: StrictBool = True
    evidence: Evidence = ()


class Tell(Order):
    """A bulletin to every member, in both languages; what comes next, and by when."""

    zh: Words
    en: Words
    next_zh: Annotated[str, Field(max_length=2_000)] = ""
    next_en: Annotated[str, Field(max_length=2_000)] = ""
    by: Moment | None = None
    danger: StrictBool = False

    def check(self, now: Moment) -> None:
        if self.by is not None:
            must_be_ahead("by", self.by, now)
        if bool(self.next_zh.strip()) != bool(self.next_en.strip()):
            raise wrong("next_zh", "missing", "and next_en go together", "须与 next_en 同时填写")


class Solve(Resolve):
    """The one result for all members: each case that its steps allow is resolved with it and called back on its own."""


class CloseIncident(Order):
    """What there is to learn of it, and when it is looked whether the prevention works."""

    summary: Words
    prevention: Words | None = None
    effect_check_at: Moment | None = None

    def check(self, now: Moment) -> None:
        if self.effect_check_at is not None:
            must_be_ahead("effect_check_at", self.effect_check_at, now)


class Investigate(Empty):
    """People look for the cause."""


class Act(Empty):
    """The cause is being removed."""
