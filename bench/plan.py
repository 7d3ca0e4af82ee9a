"""How much is measured, and where what is measured lies."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of a run. `quick` ones show that it works; their figures are not to be believed."""

    rounds: int = 5
    load_seconds: float = 4.0
    warm_up_seconds: float = 1.0
    connections: int = 32
    relay_rows: int = 20_000
    chain_rate: float = 20.0
    chain_posts: int = 160
    memory_complaints: int = 10_000
    consumed_events: int = 12_000
    caught_up_events: int = 100_000
    sent_messages: int = 400
    """For each replica."""
    delivered_events: int = 3_000
    told_events: int = 160
    bulletin_members: int = 100_000
    cascade_members: int = 100_000
    cascade_rounds: int = 2
    timers: int = 10_000
    understood_texts: int = 2_000
    imported_rows: int = 10_000


QUICK = Plan(
    rounds=2, load_seconds=1.0, warm_up_seconds=0.3, relay_rows=2_000, chain_posts=30, memory_complaints=300,
    consumed_events=1_000, caught_up_events=5_000, sent_messages=50,
    delivered_events=300, told_events=30, bulletin_members=2_000, cascade_members=2_000, timers=300, understood_texts=200, imported_rows=1_000,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Bench:
    """One run."""

    plan: Plan
    folder: Path
    step: Callable[[str], None]
    """Told what is being measured now, once for every `steps` that a scenario announced."""
