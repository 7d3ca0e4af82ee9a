"""A pack: an industry's or a company's policy as data, resolved and validated.

Everything here is frozen. Lists keep the order of the pack; look things up by code with the methods
of `Pack`. Text for people exists in zh and en. `source` names where a rule comes from; `verify`
marks one whose present text must be checked by the company before it relies on it (see `sources`).
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Protocol, TypeVar, cast

from pydantic import Field

from shared.packs.parts import (
    Alike,
    CalendarSpec,
    Callback,
    Category,
    Cause,
    Clock,
    Cue,
    Downgrade,
    Example,
    Examples,
    ExceptionDay,
    Fact,
    Hint,
    KindRule,
    Letter,
    Level,
    Pausing,
    Question,
    Sign,
    Source,
    Survey,
    Team,
    Template,
    Thresholds,
    WarningRule,
)
from shared.packs.remedies import Approval, Calculator, Compensation, Form, Remedy
from shared.packs.words import (
    KINDS,
    SEVERITIES,
    Code,
    Head,
    Kind,
    Language,
    Part,
    Severity,
    TermText,
    Text,
    Urgency,
    Verdict,
    Version,
    Words,
)

__all__ = [
    "KINDS",
    "SEVERITIES",
    "Alike",
    "Approval",
    "Calculator",
    "CalendarSpec",
    "Callback",
    "Category",
    "Cause",
    "Clock",
    "Code",
    "Compensation",
    "Cue",
    "Downgrade",
    "Example",
    "Examples",
    "ExceptionDay",
    "Fact",
    "Form",
    "Head",
    "Hint",
    "Kind",
    "KindRule",
    "Language",
    "Letter",
    "Level",
    "Pack",
    "Part",
    "Pausing",
    "Question",
    "Remedy",
    "Severity",
    "Sign",
    "Source",
    "Survey",
    "Team",
    "Template",
    "TermText",
    "Text",
    "Thresholds",
    "Urgency",
    "Verdict",
    "Version",
    "WarningRule",
    "Words",
]


class _Coded(Protocol):
    @property
    def code(self) -> str: ...


class _Named(Protocol):
    @property
    def id(self) -> str: ...


_CodedT = TypeVar("_CodedT", bound=_Coded)
_NamedT = TypeVar("_NamedT", bound=_Named)
_MadeT = TypeVar("_MadeT")


def _coded(items: Iterable[_CodedT], code: str, what: str) -> _CodedT:
    for item in items:
        if item.code == code:
            return item
    raise KeyError(f"the pack has no {what} {code!r}")


def _named(items: Iterable[_NamedT], name: str, what: str) -> _NamedT:
    for item in items:
        if item.id == name:
            return item
    raise KeyError(f"the pack has no {what} {name!r}")


class Pack(Part):
    """A resolved pack: what it says itself over what it inherits."""

    pack: Head
    kinds: tuple[KindRule, ...]
    taxonomy: tuple[Category, ...] = Field(min_length=1)
    cues: tuple[Cue, ...]
    downgrades: tuple[Downgrade, ...] = ()
    scopes: tuple[Sign, ...] = ()
    emotions: tuple[Sign, ...] = ()
    wants: tuple[Sign, ...] = ()
    examples: tuple[Examples, ...] = ()
    alike: tuple[Alike, ...] = ()
    urgency: Mapping[Severity, Urgency]
    clocks: tuple[Clock, ...]
    pausing: Pausing
    calendars: tuple[CalendarSpec, ...]
    teams: tuple[Team, ...]
    facts: tuple[Fact, ...] = ()
    hints: tuple[Hint, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    compensation: Compensation = Compensation()
    callback: Callback
    survey: Survey
    escalation: tuple[Level, ...]
    templates: tuple[Template, ...]
    early_warning: tuple[WarningRule, ...] = ()
    causes: tuple[Cause, ...] = ()
    thresholds: Thresholds
    sources: tuple[Source, ...] = ()

    @property
    def ref(self) -> str:
        """`id@version`."""
        return self.pack.ref

    def __copy__(self) -> "Pack":
        copied = super().__copy__()
        copied.__dict__.pop("_derived", None)  # a copy may differ: nothing holds of it yet
        return copied

    @cached_property
    def _derived(self) -> dict[object, object]:
        return {}

    def derived(self, make: "Callable[[Pack], _MadeT]") -> _MadeT:
        """What `make` makes of this pack, such as its words compiled: made once, gone with the pack."""
        if make not in self._derived:
            self._derived[make] = make(self)
        return cast("_MadeT", self._derived[make])

    def category(self, code: str) -> Category:
        """The category of that code. Raises KeyError."""
        return _coded(self.taxonomy, code, "category")

    def team(self, code: str) -> Team:
        """The team of that code. Raises KeyError."""
        return _coded(self.teams, code, "team")

    def remedy(self, code: str) -> Remedy:
        """The remedy of that code. Raises KeyError."""
        return _coded(self.remedies, code, "remedy")

    def kind(self, name: Kind) -> KindRule:
        """The rule of that kind. Raises KeyError."""
        return _named(self.kinds, name, "kind")

    def template(self, name: str) -> Template:
        """The template of that id. Raises KeyError."""
        return _named(self.templates, name, "template")

    def calendar_spec(self, name: str) -> CalendarSpec:
        """The opening hours of that id, as written.

        `shared.packs.calendars.calendar_of` makes them count.
        """
        return _named(self.calendars, name, "calendar")

    def clock(self, name: str) -> Clock:
        """The clock of that name. Raises KeyError."""
        for clock in self.clocks:
            if clock.name == name:
                return clock
        raise KeyError(f"the pack has no clock {name!r}")

    def clocks_for(
        self,
        *,
        kind: str,
        category: str | None,
        severity: Severity,
        channel: str | None = None,
        regime: str | None = None,
    ) -> tuple[Clock, ...]:
        """The clocks that run for such a case, in the pack's order.

        `optional` ones only run when a person asks.
        """
        return tuple(
            clock
            for clock in self.clocks
            if kind in clock.kinds
            and (not clock.categories or category in clock.categories)
            and (not clock.channels or channel in clock.channels)
            and clock.regime in (None, regime)
            and clock.target(severity) is not None
            and not clock.optional
        )
