"""What the industry packs make of a text, and when their clocks are due."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from services.followup.policy.rules import Rules
from services.routing.policy.understand import understand
from shared.packs.load import load_folder, shipped_folder

if TYPE_CHECKING:
    from services.followup.model import Plan
    from services.routing.model import Understanding
    from shared.packs.model import Pack, Severity

ZONE = ZoneInfo("Asia/Shanghai")


@cache
def rules_of(name: str) -> Rules:
    return Rules(load_folder(shipped_folder(), name), ZONE.key)


def pack_of(name: str) -> Pack:
    return rules_of(name).pack


def is_chinese(text: str) -> bool:
    return any("\u4e00" <= char <= "\u9fff" for char in text)


def read(pack: str, text: str, *, channel: str = "web") -> Understanding:
    language = "zh" if is_chinese(text) else "en"
    return understand(
        text=text, subject=None, fields={}, channel=channel, pack=pack_of(pack), language=language
    )


def plan_of(pack: str, clock: str, severity: Severity, start: str) -> Plan:
    """The clock's plan when it starts then, Shanghai time."""
    rules = rules_of(pack)
    begin = datetime.fromisoformat(start).replace(tzinfo=ZONE)
    plan = rules.plan(rules.pack.clock(clock), severity=severity, start=begin)
    assert plan is not None
    return plan


def due(pack: str, clock: str, severity: Severity, start: str) -> str:
    """When the clock is due, Shanghai time, to the minute."""
    return _local(plan_of(pack, clock, severity, start).due_at)


def limit(pack: str, clock: str, severity: Severity, start: str) -> str:
    """When the law's limit of the clock is reached, Shanghai time, to the minute."""
    at = plan_of(pack, clock, severity, start).statutory_due_at
    assert at is not None
    return _local(at)


def _local(at: datetime) -> str:
    return at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M")
