"""What notify does: load, decide, record."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.policy import Policy
from shared.settings import Settings
from shared.store.signal import Signal


@dataclass(frozen=True, slots=True)
class Group:
    """A group of staff that a robot writes to, and the units whose staff read it."""

    channel: str
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notify:
    """What the use cases know beside the transaction."""

    settings: Settings
    policy: Policy
    planned: Signal
    """Wakes the sender."""
    appended: Signal
    """Wakes who follows the feed."""
    groups: Sequence[Group] = field(default=())
