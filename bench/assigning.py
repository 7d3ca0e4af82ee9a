"""How long it takes to choose one of 5,000 handlers, with the reasons for those passed over."""

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from bench.model import Measure, percentile
from bench.plan import Bench, Plan
from services.routing.model import Choice, HandlerSnapshot, Need
from services.routing.policy.assign import choose_handler
from services.routing.policy.roster import Roster

HANDLERS: Final = 5_000
CHOICES: Final = 2_000
TARGET_MS: Final = 2.0
_NOON: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
_SKILLS: Final = ("refund", "metering", "fraud", "field_work", "contract", "privacy")
_AREAS: Final = tuple(f"area-{number}" for number in range(40))


def steps(plan: Plan) -> int:
    return plan.rounds


async def measure(bench: Bench) -> list[Measure]:
    """Complaints given to handlers of one team, one after the other, each with the load that the last one left."""
    slow, made = [], []
    for at in range(bench.plan.rounds):
        bench.step(f"assignment over {HANDLERS:,} handlers: round {at + 1}")
        begun = time.process_time()
        roster = Roster(handlers(HANDLERS))
        made.append((time.process_time() - begun) * 1000)
        slow.append(percentile([_choose(roster, need) for need in needs(CHOICES)], 0.99))
    return [
        Measure("assign_p99", f"One of {HANDLERS:,} handlers chosen, the slowest hundredth", "ms", "lower",
                tuple(slow), target=TARGET_MS, note="time of one core, handlers of one team in 3 units"),
        Measure("assign_roster", f"{HANDLERS:,} handlers laid out, once a transaction", "ms", "lower", tuple(made)),
    ]  # fmt: skip


def handlers(count: int) -> list[HandlerSnapshot]:
    """Handlers of one team: a fifth is away, each has some skills and some areas, or all."""
    draw = random.Random(5)  # noqa: S311 - repeatable, no secret
    return [
        HandlerSnapshot(
            id=f"handler-{number:05d}",
            unit=draw.choice(("shop", "city", "root")),
            team="billing",
            skills=frozenset(draw.sample(_SKILLS, 3)),
            languages=draw.choice((None, frozenset({"zh"}), frozenset({"en"}))),
            is_present=draw.random() > 0.1,  # noqa: PLR2004 - a tenth
            load=draw.randrange(30),
            capacity=40,
            last_assigned_at=_NOON - timedelta(minutes=draw.randrange(500)),
            areas=draw.choice((None, frozenset({draw.choice(_AREAS)}))),
            is_on_duty=draw.random() > 0.1,  # noqa: PLR2004 - a tenth
        )
        for number in range(count)
    ]


def needs(count: int) -> Iterator[Need]:
    draw = random.Random(6)  # noqa: S311 - repeatable, no secret
    plain = Need("billing", frozenset(), "zh", ("shop", "city", "root"))
    for _ in range(count):
        yield replace(
            plain,
            skills=frozenset({draw.choice(_SKILLS)}),
            language=draw.choice(("zh", "en")),
            severity=draw.choice(("low", "normal", "normal", "high", "critical")),
            area=draw.choice(_AREAS),
            former=f"handler-{draw.randrange(HANDLERS):05d}",
        )


def _choose(roster: Roster, need: Need) -> float:
    """Milliseconds of this core's work, whoever else is on the machine."""
    begun = time.process_time()
    choice = choose_handler(need, handlers=roster)
    if isinstance(choice, Choice):
        roster.add_load(choice.handler, 1, _NOON)
    return (time.process_time() - begun) * 1000
