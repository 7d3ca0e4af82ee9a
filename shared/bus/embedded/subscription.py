"""Taking from the embedded log: as a member of a group, and as a reader of a whole topic."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Protocol

from shared.bus.embedded import log
from shared.bus.embedded.group import Group, Member
from shared.bus.embedded.threads import ReadThread, Writer
from shared.bus.port import BusUnavailable, GroupMoved, Record, Slot

READ_AT_ONCE = 500


class Readable(Protocol):
    """What the log offers to those who read it."""

    reader: ReadThread
    ends: dict[Slot, int]

    async def changed(self, wait: float) -> None:
        """Wait until something was published or a group moved, at most `wait` seconds."""
        ...


class Source(Readable, Protocol):
    """What the log offers to those who take from it."""

    writer: Writer

    def move(self, group: Group) -> None:
        """Let the group's partitions change hands: now, or by force in a while."""
        ...


class EmbeddedSubscription:
    """A member of a group (the port's Subscription).

    What was there before it is taken topic after topic in the order of `chain`: what others follow from comes first.
    """

    def __init__(
        self, name: str, chain: Sequence[str], group: Group, member: Member, source: Source
    ) -> None:
        self._name = name
        self._chain = tuple(chain)
        self._backlog = dict(source.ends)
        self._group = group
        self._member = member
        self._source = source
        self._last: Slot | None = None

    async def take(self, *, at_most: int, wait: timedelta) -> Mapping[Slot, Sequence[Record]]:
        self._end_flight(list(self._member.in_flight))
        deadline = asyncio.get_running_loop().time() + wait.total_seconds()
        while True:
            if taken := await self._fetch(at_most):
                return taken
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return {}
            await self._source.changed(left)

    async def commit(self, offsets: Mapping[Slot, int]) -> None:
        member = self._member
        mine = {slot: offset for slot, offset in offsets.items() if slot in member.taken}
        if mine:
            try:
                await self._source.writer.run(partial(log.commit, group=self._name, offsets=mine))
            except sqlite3.Error as error:
                raise BusUnavailable(f"the embedded log cannot record offsets: {error}") from error
            finally:
                self._end_flight(mine)
            self._group.committed.update(mine)
        if lost := offsets.keys() - mine.keys():
            raise GroupMoved(
                f"group {self._name} has moved {sorted(lost)} on: their records come again elsewhere"
            )

    async def rewind(self, offsets: Mapping[Slot, int]) -> None:
        member = self._member
        member.reading.update(
            {slot: offset for slot, offset in offsets.items() if slot in member.taken}
        )
        self._end_flight(offsets)

    def pause(self, slots: Sequence[Slot]) -> None:
        self._member.paused.update(slots)

    def resume(self, slots: Sequence[Slot]) -> None:
        self._member.paused.difference_update(slots)

    def _end_flight(self, slots: Iterable[Slot]) -> None:
        self._member.in_flight.difference_update(slots)
        if not self._group.settled:
            self._source.move(self._group)

    async def _fetch(self, at_most: int) -> Mapping[Slot, Sequence[Record]]:
        member, ends = self._member, self._source.ends
        wanted = {
            slot: offset
            for slot, offset in _after(self._last, member.reading)
            if slot not in member.paused and offset < ends[slot]
        }
        for topic in self._chain:
            behind = {
                slot: offset
                for slot, offset in wanted.items()
                if slot.topic == topic and offset < self._backlog.get(slot, 0)
            }
            if behind:
                wanted = behind
                break
        if not wanted:
            return {}
        found = await _read(self._source.reader, partial(log.fetch, wanted=wanted, at_most=at_most))
        # While the read was under way a partition may have been given up, or given up and got back.
        kept = {
            slot: records
            for slot, records in found.items()
            if member.reading.get(slot) == wanted[slot]
        }
        for slot, records in kept.items():
            member.reading[slot] = records[-1].offset + 1
            self._last = slot
        member.taken.update(kept)
        member.in_flight.update(kept)
        return kept


class EmbeddedReader:
    """A reader of a whole topic (the port's Reader)."""

    def __init__(self, slots: Sequence[Slot], source: Readable) -> None:
        self._reading = dict.fromkeys(slots, 0)
        self._goal = {slot: source.ends[slot] for slot in slots}
        self._source = source
        self._last: Slot | None = None

    async def read(self, *, wait: timedelta) -> Sequence[Record]:
        deadline = asyncio.get_running_loop().time() + wait.total_seconds()
        while True:
            ends = self._source.ends
            wanted = {
                slot: next_
                for slot, next_ in _after(self._last, self._reading)
                if next_ < ends[slot]
            }
            if wanted:
                return await self._fetch(wanted)
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return []
            await self._source.changed(left)

    @property
    def goal(self) -> Mapping[Slot, int]:
        return self._goal

    @property
    def caught_up(self) -> bool:
        return all(self._reading[slot] >= goal for slot, goal in self._goal.items())

    async def _fetch(self, wanted: Mapping[Slot, int]) -> Sequence[Record]:
        found = await _read(
            self._source.reader, partial(log.fetch, wanted=wanted, at_most=READ_AT_ONCE)
        )
        for slot, records in found.items():
            self._reading[slot] = records[-1].offset + 1
            self._last = slot
        if not found:  # all of it was pruned
            self._reading.update({slot: self._source.ends[slot] for slot in wanted})
        return [record for records in found.values() for record in records]


def _after(last: Slot | None, reading: Mapping[Slot, int]) -> Iterable[tuple[Slot, int]]:
    """The partitions in turn, beginning behind the one read last, so that a full one does not starve the others."""
    return sorted(reading.items(), key=lambda item: (last is not None and item[0] <= last, item[0]))


async def _read(
    reader: ReadThread, work: Callable[[sqlite3.Connection], Mapping[Slot, Sequence[Record]]]
) -> Mapping[Slot, Sequence[Record]]:
    try:
        return await reader.run(work)
    except sqlite3.Error as error:
        raise BusUnavailable(f"the embedded log cannot be read: {error}") from error
