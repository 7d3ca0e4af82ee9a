"""The port to the log. Two engines stand behind it, held to one contract suite (`tests/contract/test_bus.py`).

A topic is split into partitions; a key always lands in the same partition (of one engine), and order holds within a
partition. A group's members share the partitions; each reads on from the group's committed offset. Delivery is at
least once: what was taken and not committed comes again.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, Protocol

from shared.errors import RedressError, Transient

MESSAGE_CAP = 264 * 1024
"""Largest message (key and value, in bytes): a 256 kB event and room for its key and what an engine adds."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as `redress migrate` creates it. `retention` None keeps everything."""

    name: str
    partitions: int = 12
    retention: timedelta | None = None
    compacted: bool = False


class Message(NamedTuple):
    """What is published: a key (the aggregate's id) and the bytes of one CloudEvent."""

    key: str
    value: bytes


class Slot(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


class Record(NamedTuple):
    """A message with its place in the log."""

    slot: Slot
    offset: int
    key: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Features:
    """What an engine can do; tests skip by feature, never by engine name."""

    many_processes: bool
    """Several processes may share a group (the embedded engine serves one)."""


class BusUnavailable(Transient):
    """The log is away, or its answer did not come: nothing is known about what was in flight."""


class PublishFailed(Transient):
    """Publishing stopped. The first `acknowledged` messages of the call are in the log; about the rest nothing is
    known.
    """

    def __init__(self, reason: str, *, acknowledged: int) -> None:
        super().__init__(reason)
        self.acknowledged = acknowledged


class BusFull(PublishFailed):
    """The log's disk, or its size cap, is full. Nothing is lost; publishing goes on when there is room again."""


class MessageRefused(PublishFailed):
    """The log refuses the message at index `acknowledged` for good (too large); those before it are in the log."""


class GroupMoved(Transient):
    """A commit came too late: the group has given the partition to another member. Redelivery makes it harmless."""


class BusMisconfigured(RedressError):
    """The log cannot keep its promises as it is set up; the message says what to change. Waiting does not help."""


class BusStuck(RedressError):
    """The log answers, but this member gets no records, even after joining anew: the process should be restarted."""


class Subscription(Protocol):
    """One member of a group. Not for use by several tasks at once."""

    async def take(self, *, at_most: int, wait: timedelta) -> Mapping[Slot, Sequence[Record]]:
        """The next records, per partition and in order; empty when none came within `wait`.

        What one call returned is in flight until it is committed, rewound or the next call; while it is in flight a
        partition is given up only after a short wait. Raises BusUnavailable or BusStuck.
        """
        ...

    async def commit(self, offsets: Mapping[Slot, int]) -> None:
        """Record the next offset to read of each partition.

        Raises BusUnavailable, or GroupMoved naming those that were taken before the group last moved; the others of
        the call are recorded.
        """
        ...

    async def rewind(self, offsets: Mapping[Slot, int]) -> None:
        """Read again from these offsets: nothing from them on was applied. Partitions given up are left alone."""
        ...

    def pause(self, slots: Sequence[Slot]) -> None:
        """Take nothing from these partitions until they are resumed, but stay a member."""
        ...

    def resume(self, slots: Sequence[Slot]) -> None:
        """Take from these partitions again."""
        ...


class Reader(Protocol):
    """Reads one topic whole, from its beginning, outside any group."""

    async def read(self, *, wait: timedelta) -> Sequence[Record]:
        """The next records; empty when none came within `wait`. Raises BusUnavailable."""
        ...

    @property
    def goal(self) -> Mapping[Slot, int]:
        """Where each partition ended when the reader was opened: the offset that its next record got."""
        ...

    @property
    def caught_up(self) -> bool:
        """Whether everything that was in the topic when the reader was opened has been read."""
        ...


class LogView(Protocol):
    """The log for those who only look at it."""

    def read(self, topic: str) -> AbstractAsyncContextManager[Reader]:
        """Open a reader at the beginning of a topic."""
        ...

    async def lag(self, group: str, topics: Sequence[str]) -> Mapping[Slot, int]:
        """How many records of each partition the group has not committed. Raises BusUnavailable."""
        ...


class Bus(LogView, Protocol):
    """The log."""

    features: Features

    async def create_topics(self, topics: Sequence[Topic]) -> None:
        """Create the topics that are missing; leave the others as they are.

        Raises BusUnavailable, or BusMisconfigured where a topic would not take a message of MESSAGE_CAP.
        """
        ...

    async def publish(self, topic: str, messages: Sequence[Message]) -> None:
        """Append, in order per key; durable as the engine promises when it returns.

        Raises PublishFailed (some may still land later) or MessageRefused. One call at a time per topic.
        """
        ...

    async def skip_to_end(self, group: str, topics: Sequence[str]) -> None:
        """Let a group without members go on behind all that is in the topics. Raises BusUnavailable."""
        ...

    def subscribe(
        self, group: str, topics: Sequence[str], *, in_order: bool = False
    ) -> AbstractAsyncContextManager[Subscription]:
        """Join a group; a new group starts at the beginning of each topic.

        `in_order`: what was there before the member is taken topic after topic, as they are named.
        """
        ...

    async def close(self) -> None:
        """Stop, within seconds, also when the log is away."""
        ...
