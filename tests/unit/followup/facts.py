"""Cases made of facts, and the rules they are judged by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from services.followup.model import ClockFact, Fact, Received
from services.followup.policy.change import change
from services.followup.policy.rules import Rules
from shared.contracts.values import CaseRemedy
from shared.packs.load import load_folder, shipped_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from services.followup.model import Case
    from services.followup.policy.clocks import Reading

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai


@cache
def rules() -> Rules:
    return Rules(load_folder(shipped_folder(), "generic"), "Asia/Shanghai")


def remedy(**more: object) -> CaseRemedy:
    """A remedy that was paid, unless said otherwise."""
    values: dict[str, object] = {
        "id": "r1.1", "code": "goodwill", "name_zh": "补偿", "name_en": "Goodwill", "form": "money",
        "amount": {"amount": "50.00", "currency": "CNY"}, "state": "paid", "reason": "r", "basis_zh": "善意",
        "basis_en": "goodwill", "calculation_zh": "酌定", "calculation_en": "as agreed", "proposed_by": "account/an",
        "proposed_at": MONDAY, "expires_at": minute(60),
    }  # fmt: skip
    return CaseRemedy.model_validate(values | more)


def minute(after: int) -> datetime:
    return MONDAY + timedelta(minutes=after)


def receipt(**more: object) -> Fact:
    values: dict[str, object] = {
        "number": "0000-0000-001",
        "code_sha256": "0" * 64,
        "channel": "web",
        "language": "zh",
        "complainant_id": "c1",
        "anonymous": False,
        "reachable": True,
        "pack": "generic",
        "pack_version": "1.0",
        "opened_at": MONDAY,
    }
    return Fact(Received(**(values | more)), MONDAY, "intake")  # type: ignore[arg-type]


def add(
    facts: Sequence[Fact],
    clock_facts: Sequence[ClockFact],
    added: Iterable[Fact],
    *,
    about_clocks: Sequence[ClockFact] = (),
    now: datetime = MONDAY,
    by: Rules | None = None,
) -> tuple[tuple[Fact, ...], tuple[ClockFact, ...]]:
    """All facts after adding some, as the service would keep them."""
    new = tuple(added)
    found = change(facts, clock_facts, new, about_clocks, rules=by or rules(), now=now)
    if found is None:
        return (*facts, *new), tuple(clock_facts)
    return (*facts, *found.facts), (*clock_facts, *found.clock_facts)


def heard(added: Iterable[Fact]) -> tuple[Case | None, tuple[Reading, ...]]:
    """The case and the last runs of its clocks after hearing facts one by one."""
    from services.followup.policy.case import fold
    from services.followup.policy.clocks import last_runs, read

    facts: tuple[Fact, ...] = ()
    clock_facts: tuple[ClockFact, ...] = ()
    for fact in added:
        facts, clock_facts = add(facts, clock_facts, [fact], now=minute(60))
    return fold(facts), last_runs(read(clock_facts))
