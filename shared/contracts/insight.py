"""What insight says, on `redress.warnings`. Subject: the warning's id."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from pydantic import Field

from shared.contracts.envelope import Body


class WarningRaised(Body):
    """A rule of the pack's sees more than it allows. A later one of the same warning names the complaints since."""

    name: ClassVar[str] = "warning.raised.v1"
    source: ClassVar[str] = "insight"

    warning_id: str
    rule: str
    """The rule's id in the pack, such as EW-1; `measure` what it counts."""
    measure: str
    shared: Mapping[str, str] = Field(default_factory=dict)
    """What its complaints have in common, by the rule's `per`: `area`, `category`, `batch_no`, `team`, …"""
    categories: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()
    """Ids of the complaints behind it, at most 2,000 at once."""
    count: int
    rule_zh: str
    rule_en: str
    action_zh: str = ""
    action_en: str = ""
    pack: str
    pack_version: str
    raised_at: datetime
