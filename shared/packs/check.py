"""What must hold between the parts of a pack, beyond the shape of each part."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import NamedTuple

from shared.packs.calendars import calendar_of
from shared.packs.letters import undeclared_variables
from shared.packs.model import KINDS, SEVERITIES, Clock, Code, Example, Pack, Template
from shared.worktime.calendar import Calendar, CalendarError, is_zone
from shared.worktime.terms import Term

Path = tuple[str | int, ...]


class Fault(NamedTuple):
    """A rule that is broken: where in the pack, what, and what to do."""

    path: Path
    message: str
    advice: str


def faults(pack: Pack) -> Iterator[Fault]:
    """Everything in `pack` that contradicts itself, in the order of its sections."""
    yield from _twice(pack)
    yield from _kinds(pack)
    yield from _taxonomy(pack)
    yield from _cues(pack)
    yield from _examples(pack)
    yield from _calendars(pack)
    for index, clock in enumerate(pack.clocks):
        yield from _clock(pack, clock, ("clocks", index))
    yield from _care(pack)
    yield from _times(pack)
    yield from _categories_named(pack)
    yield from _templates(pack)


def _twice(pack: Pack) -> Iterator[Fault]:
    sections: dict[str, Iterable[str]] = {
        "kinds": (kind.id for kind in pack.kinds),
        "taxonomy": (category.code for category in pack.taxonomy),
        "cues": (cue.id for cue in pack.cues),
        "downgrades": (rule.id for rule in pack.downgrades),
        "scopes": (sign.id for sign in pack.scopes),
        "emotions": (sign.id for sign in pack.emotions),
        "wants": (sign.id for sign in pack.wants),
        "examples": (examples.category for examples in pack.examples),
        "alike": (alike.id for alike in pack.alike),
        "clocks": (clock.name for clock in pack.clocks),
        "calendars": (calendar.id for calendar in pack.calendars),
        "teams": (team.code for team in pack.teams),
        "facts": (fact.id for fact in pack.facts),
        "remedies": (remedy.code for remedy in pack.remedies),
        "escalation": (level.id for level in pack.escalation),
        "templates": (template.id for template in pack.templates),
        "early_warning": (rule.id for rule in pack.early_warning),
        "causes": (cause.code for cause in pack.causes),
        "sources": (source.id for source in pack.sources),
    }
    for section, codes in sections.items():
        seen: set[str] = set()
        for index, code in enumerate(codes):
            if code in seen:
                yield Fault((section, index), f"{code!r} stands twice", "Rename or remove one.")
            seen.add(code)


def _kinds(pack: Pack) -> Iterator[Fault]:
    there = {kind.id for kind in pack.kinds}
    for kind in KINDS:
        if kind not in there:
            yield Fault(("kinds",), f"{kind!r} is missing", "Say by which words it shows.")
    for severity in SEVERITIES:
        if severity not in pack.urgency:
            yield Fault(("urgency",), f"{severity!r} is missing", "Say how soon it is looked at.")


def _taxonomy(pack: Pack) -> Iterator[Fault]:
    teams = {team.code for team in pack.teams}
    facts = {fact.id for fact in pack.facts}
    for index, category in enumerate(pack.taxonomy):
        at: Path = ("taxonomy", index)
        if category.team not in teams:
            yield _unknown((*at, "team"), "team", category.team, teams)
        for number, fact in enumerate(category.facts):
            if fact not in facts:
                yield _unknown((*at, "facts", number), "fact", fact, facts)
        if not category.keywords.zh and not category.keywords.en:
            yield Fault((*at, "keywords"), "there are none", "Give words in zh and en.")
    if not any(category.general for category in pack.taxonomy):
        yield Fault(("taxonomy",), "no category is `general`", "Mark the last resort (other).")


def _cues(pack: Pack) -> Iterator[Fault]:
    cues = {cue.id for cue in pack.cues}
    for index, cue in enumerate(pack.cues):
        for number, other in enumerate(cue.together_with):
            if other not in cues - {cue.id}:
                yield _unknown(("cues", index, "together_with", number), "other cue", other, cues)


def _examples(pack: Pack) -> Iterator[Fault]:
    codes = {category.code for category in pack.taxonomy}
    cues = {cue.id for cue in pack.cues}
    seen: dict[str, str] = {}
    for index, examples in enumerate(pack.examples):
        at: Path = ("examples", index)
        if examples.category not in codes:
            yield _unknown((*at, "category"), "category", examples.category, codes)
        if not examples.texts:
            yield Fault((*at, "texts"), "there are none", "Give texts in zh and en.")
        for number, example in enumerate(examples.texts):
            here: Path = (*at, "texts", number)
            for place, cue in enumerate(example.cues):
                if cue not in cues:
                    yield _unknown((*here, "cues", place), "cue", cue, cues)
            yield from _too_mild(pack, example, here)
            words = " ".join(example.text.lower().split())
            if words in seen:
                yield _twice_said(here, examples.category, seen[words])
            seen[words] = examples.category


def _too_mild(pack: Pack, example: Example, at: Path) -> Iterator[Fault]:
    """A severity below what one of the example's own cues makes of it."""
    if example.severity is None:
        return
    said = SEVERITIES.index(example.severity)
    for cue in pack.cues:
        counts = cue.id in example.cues and not cue.together_with
        if counts and said < SEVERITIES.index(cue.effect):
            yield Fault(
                (*at, "severity"),
                f"it is {example.severity}, but the cue {cue.id!r} makes it {cue.effect}",
                "Raise it, leave it out, or remove the cue.",
            )


def _twice_said(at: Path, category: str, before: str) -> Fault:
    if category == before:
        return Fault(at, f"the text stands twice under {category}", "Remove one.")
    return Fault(
        at,
        f"the text also stands under {before}",
        "Keep it where a customer most wants it settled.",
    )


def _calendars(pack: Pack) -> Iterator[Fault]:
    for index, spec in enumerate(pack.calendars):
        try:
            calendar_of(spec)
        except CalendarError as error:
            message, _, advice = str(error).rpartition(": ")
            yield Fault(("calendars", index), message or str(error), f"{advice.capitalize()}.")


def _clock(pack: Pack, clock: Clock, at: Path) -> Iterator[Fault]:
    calendars = {calendar.id for calendar in pack.calendars}
    if clock.calendar not in calendars:
        yield _unknown((*at, "calendar"), "calendar", clock.calendar, calendars)
        return
    if not any(clock.targets.values()):
        yield Fault((*at, "targets"), "it never runs", "Give at least one severity a term.")
    limit = clock.statutory_term
    if limit is not None:
        yield from _limit(pack, clock, limit, at)


def _limit(pack: Pack, clock: Clock, limit: Term, at: Path) -> Iterator[Fault]:
    if clock.pausable and clock.regime is None:
        yield Fault(
            (*at, "pausable"),
            "a statutory limit never pauses",
            "Set pausable to false, or put the limit on a clock of its own.",
        )
    try:
        calendar = calendar_of(pack.calendar_spec(clock.calendar))
    except CalendarError:
        return
    for severity in SEVERITIES:
        target = clock.target(severity)
        if target and _usual(target, calendar) > _usual(limit, calendar):
            yield Fault(
                (*at, "targets", severity),
                f"the target {target} lies past the statutory limit {limit}"
                + (f" ({clock.statutory_source})" if clock.statutory_source else ""),
                f"Promise {limit} or less.",
            )


def _usual(term: Term, calendar: Calendar) -> timedelta:
    """How long a term takes in a week without holidays, to compare terms of different units.

    A deadline itself is always the earlier of target and limit, holidays and all.
    """
    week = timedelta(days=7)
    match term.unit:
        case "d" | "w":
            return timedelta(days=term.days)
        case "wd":
            return term.days * week / max(1, sum(bool(shifts) for shifts in calendar.week))
        case "wm" | "wh":
            minutes = sum(shift.end - shift.start for day in calendar.week for shift in day)
            return term.length * (week / timedelta(minutes=max(1, minutes)))
        case "m" | "h":
            return term.length


def _care(pack: Pack) -> Iterator[Fault]:
    calendars = {calendar.id for calendar in pack.calendars}
    if pack.callback.calendar not in calendars:
        yield _unknown(("callback", "calendar"), "calendar", pack.callback.calendar, calendars)
    questions = {question.id for question in pack.survey.questions}
    asked = (pack.survey.satisfied_question, *pack.survey.loyalty_questions)
    for question in asked:
        if question not in questions:
            yield _unknown(("survey",), "question", question, questions)
    for index, remedy in enumerate(pack.remedies):
        amounts = [approval.up_to for approval in remedy.approvals]
        if not amounts:
            yield Fault(("remedies", index), "nobody may approve it", "Name at least one role.")
        known = [amount for amount in amounts if amount is not None]
        if known != sorted(known) or None in amounts[:-1]:
            yield Fault(
                ("remedies", index, "approvals"),
                "the limits do not rise",
                "List roles from the smallest amount to the largest; only the last may have none.",
            )


def _times(pack: Pack) -> Iterator[Fault]:
    calendars = {calendar.id for calendar in pack.calendars}
    for area, zone in pack.callback.zones.items():
        if not is_zone(zone):
            yield Fault(
                ("callback", "zones", area),
                f"{zone!r} is no time zone",
                "Use an IANA name such as Asia/Urumqi.",
            )
    if pack.compensation.calendar not in calendars:
        named = pack.compensation.calendar
        yield _unknown(("compensation", "calendar"), "calendar", named, calendars)
    for index, level in enumerate(pack.escalation):
        if level.calendar not in calendars:
            at: Path = ("escalation", index, "calendar")
            yield _unknown(at, "calendar", level.calendar, calendars)
    regimes = {clock.regime for clock in pack.clocks if clock.regime}
    for index, regime in enumerate(pack.pack.regimes):
        if regime not in regimes:
            yield _unknown(("pack", "regimes", index), "regime", regime, regimes)


def _categories_named(pack: Pack) -> Iterator[Fault]:
    """Categories that other sections speak of must stand in the taxonomy."""
    named: dict[str, Iterable[tuple[Code, ...]]] = {
        "clocks": (clock.categories for clock in pack.clocks),
        "hints": (hint.categories for hint in pack.hints),
        "remedies": (remedy.categories for remedy in pack.remedies),
        "early_warning": (rule.categories for rule in pack.early_warning),
        "templates": (template.categories for template in pack.templates),
    }
    codes = {category.code for category in pack.taxonomy}
    for section, groups in named.items():
        for index, group in enumerate(groups):
            for number, code in enumerate(group):
                if code not in codes:
                    at = (section, index, "categories", number)
                    yield _unknown(at, "category", code, codes)
    for index, rule in enumerate(pack.downgrades):
        if rule.category not in codes:
            yield _unknown(("downgrades", index, "category"), "category", rule.category, codes)


def _template_names(pack: Pack, template: Template, at: Path) -> Iterator[Fault]:
    for number, name in enumerate(template.requires):
        if name not in template.variables:
            yield _unknown((*at, "requires", number), "variable", name, template.variables)
    cues = [cue.id for cue in pack.cues]
    for number, cue in enumerate(template.cues):
        if cue not in cues:
            yield _unknown((*at, "cues", number), "cue", cue, cues)


def _templates(pack: Pack) -> Iterator[Fault]:
    for index, template in enumerate(pack.templates):
        yield from _template_names(pack, template, ("templates", index))
        for language in ("zh", "en"):
            letter = template.letter(language)
            for part, source in (("subject", letter.subject), ("body", letter.body)):
                at: Path = ("templates", index, language, part)
                names, problem = undeclared_variables(source, template.variables)
                if problem:
                    yield Fault(at, problem, "Correct the Jinja2 syntax.")
                for name in names:
                    yield Fault(
                        at,
                        f"it uses {name!r}, which is not in `variables`",
                        "List it there or correct its spelling.",
                    )


def _unknown(at: Path, what: str, code: str, known: Iterable[str]) -> Fault:
    names = ", ".join(sorted(known)) or "none"
    return Fault(at, f"there is no {what} {code!r}", f"Define it or use one of: {names}.")
