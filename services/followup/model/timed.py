"""What people and time do to the clocks of a case, to its callbacks, and to who watches over it. Texts are masked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

CallOutcome = Literal["no_answer", "wrong_number", "refused"]


@dataclass(frozen=True, slots=True)
class Paused:
    """The pausable clocks stand still, for a reason of the pack's."""

    reason: str
    note: str | None = None
    name: Literal["paused"] = "paused"


@dataclass(frozen=True, slots=True)
class Unpaused:
    """What the clocks stood still for is over."""

    reason: str
    name: Literal["unpaused"] = "unpaused"


@dataclass(frozen=True, slots=True)
class ExtensionAsked:
    """Somebody asks for a clock to be put off by a term, before it is due."""

    id: str
    clock: str
    by: str
    reason: str
    basis: str | None = None
    """The rule that allows it, where one has to be named."""
    name: Literal["extension_asked"] = "extension_asked"


@dataclass(frozen=True, slots=True)
class ExtensionDecided:
    """A second person granted it, or did not. `clock` and `by` are what was asked for."""

    id: str
    granted: bool
    clock: str
    by: str
    note: str | None = None
    name: Literal["extension_decided"] = "extension_decided"


@dataclass(frozen=True, slots=True)
class ClockAsked:
    """Somebody has an optional clock of the pack's run for this case."""

    clock: str
    reason: str
    name: Literal["clock_asked"] = "clock_asked"


@dataclass(frozen=True, slots=True)
class PackAdopted:
    """A supervisor has the open deadlines follow a later version of the pack."""

    pack_version: str
    reason: str
    name: Literal["pack_adopted"] = "pack_adopted"


@dataclass(frozen=True, slots=True)
class Urged:
    """The customer, or somebody for them, asks to hurry (催办)."""

    text: str
    by_customer: bool
    name: Literal["urged"] = "urged"


@dataclass(frozen=True, slots=True)
class Supervised:
    """Somebody above has the case under supervision (督办), and may want an answer by a time."""

    reason: str
    due_at: datetime | None = None
    name: Literal["supervised"] = "supervised"


@dataclass(frozen=True, slots=True)
class EscalationTaken:
    """Who was told at that level has taken note; the ladder stops there."""

    level: int
    note: str | None = None
    name: Literal["escalation_taken"] = "escalation_taken"


@dataclass(frozen=True, slots=True)
class CallClaimed:
    """A caller has the callback for themselves until a time."""

    until: datetime
    name: Literal["call_claimed"] = "call_claimed"


@dataclass(frozen=True, slots=True)
class CallTried:
    """Somebody tried to reach the customer. `counts`: far enough from the try before."""

    outcome: CallOutcome
    channel: str
    counts: bool
    note: str | None = None
    name: Literal["call_tried"] = "call_tried"


@dataclass(frozen=True, slots=True)
class CallLinked:
    """Calls did not reach the customer: they get a link instead, and may answer until then."""

    until: datetime
    name: Literal["call_linked"] = "call_linked"


@dataclass(frozen=True, slots=True)
class SecondCheckPlanned:
    """When the customer will be asked whether all is still well."""

    due_at: datetime
    name: Literal["second_check_planned"] = "second_check_planned"


@dataclass(frozen=True, slots=True)
class SecondCheckCame:
    """The time for that has come."""

    name: Literal["second_check_came"] = "second_check_came"


@dataclass(frozen=True, slots=True)
class SecondCheckSettled:
    """What the customer said then."""

    result: Literal["satisfied", "neutral", "dissatisfied", "unreached", "skipped"]
    note: str | None = None
    name: Literal["second_check_settled"] = "second_check_settled"


@dataclass(frozen=True, slots=True)
class Amendment:
    """Something that people did to the clocks, and when, in the order of time."""

    at: datetime
    what: Paused | Unpaused | ExtensionDecided | ClockAsked | PackAdopted


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension that was asked for and not decided yet."""

    id: str
    clock: str
    by: str
    asked_by: str
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Try:
    """One try to reach the customer."""

    at: datetime
    by: str
    outcome: CallOutcome
    channel: str
    counts: bool


@dataclass(frozen=True, slots=True)
class Calling:
    """Where the callback of the present cycle stands."""

    tries: tuple[Try, ...] = ()
    claimed_by: str | None = None
    claimed_until: datetime | None = None
    linked_until: datetime | None = None
    second_due_at: datetime | None = None
    second_came: bool = False
    second_result: str | None = None


@dataclass(frozen=True, slots=True)
class Timed:
    """What was done to the clocks of the present cycle, and who watches; urging and supervision are of all cycles."""

    amendments: tuple[Amendment, ...] = ()
    told: tuple[datetime, ...] = ()
    """When the customer heard how it goes."""
    extension: Extension | None = None
    extensions: int = 0
    """How many were asked for in this cycle."""
    pack_version: str | None = None
    """The version that the clocks follow where a supervisor chose a later one."""
    urged: int = 0
    supervised: int = 0
    supervised_until: datetime | None = None
    taken_level: int = 1
    """The highest level that somebody has taken note of."""
    calling: Calling = Calling()


NOT_TIMED = Timed()
