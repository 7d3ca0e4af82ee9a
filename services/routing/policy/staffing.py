"""Whether staff data can be taken over: everything wrong with it at once, and what would change."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final, Literal, TypeVar

from services.routing.model.hours import read_hours
from services.routing.model.staff import Leave, Staff, Team, WorkShift
from services.routing.policy.sheet import Given, Value, Wrong
from shared.contracts.desk import PolicyAccount
from shared.packs.words import SEVERITIES
from shared.worktime import CalendarError

Action = Literal["added", "changed", "same"]
MOST_CAPACITY: Final = 100_000
_ID: Final = re.compile(r"\A[a-z0-9][a-z0-9_-]{0,59}\Z")
_SKILL: Final = re.compile(r"\A[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")
_LANGUAGE: Final = re.compile(r"\A[a-z]{2,8}\Z")
_LONGEST: Final[Mapping[str, int]] = {
    "name_zh": 200, "name_en": 200, "areas": 100, "hours": 300, "zone": 64,
}  # fmt: skip
_ValueT = TypeVar("_ValueT", Team, Staff, WorkShift, Leave)
_PeriodT = TypeVar("_PeriodT", WorkShift, Leave)


@dataclass(frozen=True, slots=True)
class Known:
    """What staff data may name: accounts within reach, and what each unit knows of teams and skills.

    `above`: each unit within reach with those above it, itself first.
    """

    accounts: Mapping[str, PolicyAccount]
    above: Mapping[str, Sequence[str]]
    teams: Mapping[str, frozenset[str]]
    skills: Mapping[str, frozenset[str]]
    kept_teams: Mapping[tuple[str, str], Team] = field(default_factory=dict)
    staff: Mapping[str, Staff] = field(default_factory=dict)
    shifts: Mapping[str, Sequence[WorkShift]] = field(default_factory=dict)
    leaves: Mapping[str, Sequence[Leave]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """One line that can be taken over, accounts by id, and what it would do."""

    line: int
    value: Value
    action: Action


@dataclass(frozen=True, slots=True)
class Checking:
    """All lines: what can be taken over, and everything that is wrong. With anything wrong nothing is taken over."""

    lines: tuple[Checked, ...]
    wrong: tuple[Wrong, ...]

    def values(self, kind: type[_ValueT]) -> list[_ValueT]:
        """What is to be kept of one kind: what is the same is there already."""
        return [
            one.value for one in self.lines if isinstance(one.value, kind) and one.action != "same"
        ]


def check(given: Sequence[Given], known: Known) -> Checking:
    """Hold what is given against what is known and against itself, whatever the order of its lines."""
    work = _Work(known)
    for one in _in_order(given):
        work.take(one)
    work.check_periods()
    return Checking(
        tuple(sorted(work.lines, key=lambda one: one.line)),
        tuple(sorted(work.wrong, key=lambda one: (one.line, one.field))),
    )


def _in_order(given: Iterable[Given]) -> list[Given]:
    """Teams first, then who is in them, then their times."""
    order = (Team, Staff, WorkShift, Leave)
    return sorted(given, key=lambda one: (order.index(type(one.value)), one.line))


class _Work:
    def __init__(self, known: Known) -> None:
        self.known = known
        self.lines: list[Checked] = []
        self.wrong: list[Wrong] = []
        self.logins = {one.login: one.id for one in known.accounts.values()}
        self.teams: dict[tuple[str, str], Team] = dict(known.kept_teams)
        self.staff: dict[str, Staff] = dict(known.staff)
        self.seen: dict[object, int] = {}

    def take(self, given: Given) -> None:
        """Check one line against everything but other periods."""
        found = list(self._checked(given))
        wrong = [one for one in found if isinstance(one, Wrong)]
        self.wrong += wrong
        if not wrong:
            self.lines += [one for one in found if isinstance(one, Checked)]

    def _checked(self, given: Given) -> Iterator[Checked | Wrong]:
        for name, most in _LONGEST.items():
            texts = getattr(given.value, name, None)
            texts = (texts,) if isinstance(texts, str) else texts or ()
            if any(len(text) > most for text in texts):
                yield Wrong(
                    given.line, name, "too_long", f"is longer than {most}", f"超过{most}个字符"
                )
        match given.value:
            case Team() as team:
                yield from self._team(given.line, team)
            case Staff() as one:
                yield from self._staff(given.line, one)
            case WorkShift() as shift:
                yield from self._period(given.line, shift, self.known.shifts)
            case Leave() as leave:
                yield from self._leave(given.line, leave)

    def _team(self, line: int, team: Team) -> Iterator[Checked | Wrong]:
        if team.unit not in self.known.above:
            yield Wrong(
                line,
                "unit",
                "unknown",
                f"{team.unit!r} is no unit of yours",
                f"没有单位 {team.unit}",
            )
            return
        if not _ID.match(team.id):
            yield Wrong(
                line,
                "team",
                "pattern",
                "is no code: use small letters, digits, _ and -",
                "班组代码只能用小写字母、数字、_ 和 -",
            )
        supervisor = None
        if team.supervisor is not None:
            supervisor = self._account(team.supervisor)
            if supervisor is None or supervisor.unit not in self.known.above[team.unit]:
                yield _unknown_account(line, "supervisor", team.supervisor)
        for skill in team.skills:
            if not _SKILL.match(skill):
                yield Wrong(
                    line,
                    "skills",
                    "pattern",
                    f"{skill!r} is no code of a skill",
                    f"技能代码 {skill} 不正确",
                )
        if team.hands_over is not None and team.hands_over not in SEVERITIES:
            yield Wrong(
                line,
                "hands_over",
                "unknown",
                "is none of low, normal, high, critical",
                "应为 low、normal、high 或 critical",
            )
        made = replace(team, supervisor=supervisor.id if supervisor else None)
        key = (team.unit, team.id)
        yield from self._once(line, "team", key)
        self.teams[key] = made
        yield Checked(line, made, _action(self.known.kept_teams.get(key), made))

    def _staff(self, line: int, one: Staff) -> Iterator[Checked | Wrong]:
        account = self._account(one.handler, "handler")
        if account is None:
            yield _unknown_account(line, "handler", one.handler)
            return
        yield from self._belonging(line, one, account.unit)
        yield from _limits(line, one)
        yield from self._once(line, "handler", account.id)
        made = replace(one, handler=account.id, unit=account.unit)
        self.staff[account.id] = made
        yield Checked(line, made, _action(self.known.staff.get(account.id), made))

    def _belonging(self, line: int, one: Staff, unit: str) -> Iterator[Wrong]:
        if not one.team:
            yield Wrong(
                line,
                "team",
                "missing",
                "is missing: a handler belongs to a team",
                "处理人必须属于一个班组",
            )
        elif one.team not in self._teams(unit):
            yield Wrong(
                line,
                "team",
                "unknown",
                f"{one.team!r} is no team of {unit}",
                f"单位 {unit} 没有班组 {one.team}",
            )
        for skill in one.skills:
            if skill not in self._skills(unit):
                yield Wrong(
                    line,
                    "skills",
                    "unknown",
                    f"{skill!r} is no skill that a team or category has",
                    f"没有技能 {skill}",
                )

    def _leave(self, line: int, leave: Leave) -> Iterator[Checked | Wrong]:
        substitute = None
        if leave.substitute is not None:
            substitute = self._account(leave.substitute, "handler")
            if substitute is None:
                yield _unknown_account(line, "substitute", leave.substitute)
            elif substitute == self._account(leave.handler, "handler"):
                yield Wrong(line, "substitute", "self", "is the one on leave", "代理人不能是本人")
        leave = replace(leave, substitute=substitute.id if substitute else None)
        yield from self._period(line, leave, self.known.leaves)

    def _period(
        self, line: int, period: _PeriodT, known: Mapping[str, Sequence[_PeriodT]]
    ) -> Iterator[Checked | Wrong]:
        account = self._account(period.handler, "handler")
        if account is None:
            yield _unknown_account(line, "handler", period.handler)
            return
        if account.id not in self.staff:
            yield Wrong(
                line,
                "handler",
                "no_team",
                f"{period.handler!r} has no team yet: say it first",
                f"处理人 {period.handler} 尚无班组，请先登记",
            )
        if period.ends_at <= period.starts_at:
            yield Wrong(
                line, "ends_at", "before_start", "is not after starts_at", "结束必须晚于开始"
            )
        made = replace(period, handler=account.id, unit=account.unit)
        yield from self._once(line, "starts_at", (type(period), account.id, period.starts_at))
        old = next(
            (one for one in known.get(account.id, ()) if one.starts_at == made.starts_at), None
        )
        yield Checked(line, made, _action(old, made))

    def check_periods(self) -> None:
        """No shift of a handler may overlap another, no leave another leave."""
        for kind, known in ((WorkShift, self.known.shifts), (Leave, self.known.leaves)):
            by_handler: dict[str, dict[object, Checked]] = {}
            for one in self.lines:
                if isinstance(one.value, kind):
                    by_handler.setdefault(one.value.handler, {})[one.value.starts_at] = one
            for handler, new in by_handler.items():
                others = {old.starts_at: Checked(0, old, "same") for old in known.get(handler, ())}
                self.wrong += _overlaps(others | new)

    def _account(self, named: str, role: str | None = None) -> PolicyAccount | None:
        found = self.known.accounts.get(self.logins.get(named, named))
        if found is None or not found.active or role not in (None, found.role):
            return None
        return found

    def _teams(self, unit: str) -> set[str]:
        above = self.known.above.get(unit, (unit,))
        return {id_ for at, id_ in self.teams if at in above} | self.known.teams.get(
            unit, frozenset()
        )

    def _skills(self, unit: str) -> set[str]:
        above = self.known.above.get(unit, (unit,))
        own = {
            skill for (at, _), team in self.teams.items() if at in above for skill in team.skills
        }
        return own | self.known.skills.get(unit, frozenset())

    def _once(self, line: int, field_: str, key: object) -> Iterator[Wrong]:
        first = self.seen.setdefault(key, line)
        if first != line:
            yield Wrong(
                line,
                field_,
                "duplicate",
                f"says again what line {first} says",
                f"与第{first}行重复",
            )


def _limits(line: int, one: Staff) -> Iterator[Wrong]:
    for language in one.languages or ():
        if not _LANGUAGE.match(language):
            yield Wrong(
                line,
                "languages",
                "pattern",
                f"{language!r} is no language: write zh or en",
                f"语言 {language} 不正确",
            )
    if not 0 <= one.capacity <= MOST_CAPACITY:
        yield Wrong(
            line,
            "capacity",
            "range",
            f"is not within 0 to {MOST_CAPACITY}",
            f"应在 0 到 {MOST_CAPACITY} 之间",
        )
    yield from _hours(line, one)


def _hours(line: int, one: Staff) -> Iterator[Wrong]:
    if one.hours is None:
        return
    try:
        read_hours(one.hours, one.zone or "")
    except CalendarError as error:
        field_ = "zone" if "time zone" in str(error) else "hours"
        yield Wrong(
            line, field_, "hours", str(error), "工作时间不正确，应写作 周一至周五 09:00-18:00"
        )


def _unknown_account(line: int, field_: str, named: str) -> Wrong:
    role = "handler" if field_ != "supervisor" else "staff"
    return Wrong(
        line,
        field_,
        "unknown",
        f"{named!r} is no active {role} account of yours",
        f"没有可用账号 {named}",
    )


def _overlaps(periods: Mapping[object, Checked]) -> Iterator[Wrong]:
    found = [
        (one.value, one) for one in periods.values() if isinstance(one.value, WorkShift | Leave)
    ]
    ordered = sorted(found, key=lambda one: one[0].starts_at)
    for (before, earlier), (behind, later) in pairwise(ordered):
        if behind.starts_at < before.ends_at:
            line, other = (later, earlier) if later.line else (earlier, later)
            with_ = f"line {other.line}" if other.line else "one that is kept"
            zh = f"第{other.line}行" if other.line else "已有记录"
            yield Wrong(line.line, "starts_at", "overlap", f"overlaps {with_}", f"与{zh}时间重叠")


def _action(old: Value | None, new: Value) -> Action:
    if old is None:
        return "added"
    return "same" if old == new else "changed"
