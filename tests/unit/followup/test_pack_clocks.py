"""No clock of a shipped pack is dead data: each starts and is met by what a command or an event says."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from services.followup.model import (
    Accepted,
    Acknowledged,
    Assigned,
    CallbackPlanned,
    CallbackSettled,
    ClockAsked,
    Closed,
    Contacted,
    Fact,
    Proposed,
    Replied,
    Resolved,
    SecondCheckSettled,
    TriageRequested,
    Understood,
    Visited,
)
from services.followup.policy.case import OWN_STEPS, fold
from services.followup.policy.clocks import lasts, read
from services.followup.policy.commands.helping import Mark, mark
from services.followup.policy.commands.order import Ground
from services.followup.policy.lifecycle import COMMANDS, missing
from services.followup.policy.rules import Rules
from shared.packs.load import load_folder, shipped_folder
from tests.unit.followup.facts import add, minute, receipt

if TYPE_CHECKING:
    from services.followup.policy.clocks import Reading
    from shared.packs.model import Clock

PACKS = ("generic", "power", "cement", "property", "catering", "ecommerce", "automotive")
BY_FACT: dict[str, Any] = {
    "acknowledged": Acknowledged(True),
    "contacted": Contacted(True, True, True, None),
    "visited": Visited("v1.1", "seen"),
    "solution_proposed": Proposed(1, ()),
    "callback_settled": CallbackSettled("satisfied", None),
    "second_callback_settled": SecondCheckSettled("satisfied"),
    "closed": Closed(),
    "progress_told": Replied(id="r1", text="soon"),
    **dict.fromkeys(
        ("remedy_done", "final_response", "resolved"), Resolved("upheld", "r", None, minute(0))
    ),
}
"""What each of the case's own steps is said by; `received` is the receipt, triage is asked for and understood."""


@cache
def rules(pack: str) -> Rules:
    return Rules(load_folder(shipped_folder(), pack), "Asia/Shanghai")


class Story:
    """A case of a pack's that one of its clocks is about, and what happens to it, minute by minute."""

    def __init__(self, pack: str, clock: Clock) -> None:
        self.rules, self.minutes = rules(pack), 0
        self.facts: tuple[Fact, ...] = ()
        self.about: tuple[Any, ...] = ()
        channel = clock.channels[0] if clock.channels else "web"
        authority = clock.authorities[0] if clock.authorities else None
        first = receipt(channel=channel, authority=authority)
        self._add(first)
        severity = next(name for name, term in clock.targets.items() if term)
        self.understood = Understood(
            clock.kinds[0], clock.categories[:1] or ("GEN-SVC",), severity, False
        )
        if clock.starts != "triage_requested":
            self.say(self.understood, by="routing")
        self.say(Assigned("service", "an"), by="routing")
        self.say(Accepted(self.minutes))
        if clock.optional or (clock.regime and not clock.authorities):
            self.say(ClockAsked(clock.name, "why"))

    @property
    def now(self) -> datetime:
        return minute(self.minutes)

    def say(self, what: Any, *, by: str = "account/an") -> None:
        self.minutes += 1
        self._add(Fact(what, self.now, by, 1, self.minutes))

    def _add(self, fact: Fact) -> None:
        self.facts, self.about = add(self.facts, self.about, [fact], now=self.now, by=self.rules)

    def reach(self, step: str) -> None:
        """Have a step done, by its own fact or by `mark`."""
        if step == "second_callback_settled" or step in self.afterwards():
            self.close()
        match step:
            case "received":
                return
            case "triage_requested":
                self.say(TriageRequested(), by="routing")
            case "understood":
                self.say(self.understood, by="routing")
            case _ if step in BY_FACT:
                self.say(BY_FACT[step])
                if step == "resolved":
                    self.say(CallbackPlanned(minute(9)))
            case _:
                self._mark(step)

    def afterwards(self) -> set[str]:
        return {one.stops for one in self.rules.pack.clocks if lasts(one)} - OWN_STEPS

    def close(self) -> None:
        self.say(BY_FACT["callback_settled"])
        self.say(BY_FACT["closed"])

    def _mark(self, step: str) -> None:
        self.minutes += 1
        case = fold(self.facts)
        assert case is not None
        assert missing(COMMANDS["mark"], case) == ()
        ground = Ground(case, self.rules, "c1", "account/an", self.now, "id", len(self.facts))
        for fact in mark(Mark(step=step), ground):
            assert isinstance(fact, Fact)
            self._add(fact)

    def runs(self, name: str) -> list[Reading]:
        return [one for one in read(self.about) if one.clock.name == name]


@pytest.mark.req("R-085")
@pytest.mark.parametrize("pack", PACKS)
def test_every_clock_starts_and_is_met_by_what_is_said(pack: str) -> None:
    inherited = rules("generic").pack.clocks if pack != "generic" else ()
    for clock in rules(pack).pack.clocks:
        if clock in inherited:
            continue
        story = Story(pack, clock)

        story.reach(clock.starts)
        before = [one.clock.state for one in story.runs(clock.name)]
        story.reach(clock.stops)

        assert before[-1:] == ["running"], f"{pack}: {clock.name} does not start"
        met = [one.clock.met_at for one in story.runs(clock.name)]
        assert any(met), f"{pack}: {clock.name} is not met"


def test_a_step_is_said_by_one_fact_alone() -> None:
    """INVARIANT: `mark` is for the trade's steps, and every step of the case's own has its fact."""
    for step in OWN_STEPS:
        said = step in BY_FACT or step in ("received", "triage_requested", "understood")
        assert said, step


def test_what_comes_after_the_closing_is_still_owed_and_everything_else_is_over() -> None:
    clock = rules("property").clock("recurrence_check")
    assert clock is not None
    story = Story("property", clock)
    story.reach("resolved")
    story.close()
    after = {one.clock.name: one.clock.state for one in read(story.about)}
    case = fold(story.facts)
    assert case is not None

    with pytest.raises(Exception, match="none of the steps"):
        mark(Mark(step="made_safe"), Ground(case, story.rules, "c1", "key/k", story.now, "id"))
    story._mark("recurrence_checked")

    assert after.pop("recurrence_check") == "running"
    assert "running" not in after.values()
    [check] = story.runs("recurrence_check")
    assert (check.clock.state, check.clock.met_at) == ("met", story.now)


def test_a_visit_counts_when_it_was_made_not_when_it_was_written_down() -> None:
    clock = rules("power").clock("on_site")
    assert clock is not None
    story = Story("power", clock)
    story.minutes = 90
    story.say(replace(BY_FACT["visited"], visited_at=minute(40)))

    [visit] = story.runs("on_site")
    assert (visit.clock.state, visit.clock.met_at) == ("met", minute(40))
