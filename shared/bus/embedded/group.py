"""Who of a group's members in this process reads which partition. Decides only; nothing here waits or does I/O.

A partition changes hands at once when nothing of it is in flight, else when that is settled, or when it is forced.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.bus.port import Slot


@dataclass(slots=True, eq=False)
class Member:
    """One member: the partitions it holds and the next offset to read of each, and what it has in flight."""

    topics: frozenset[str]
    reading: dict[Slot, int] = field(default_factory=dict)
    taken: set[Slot] = field(default_factory=set)
    """Partitions of which something was taken since they were given to this member: only these may be committed."""
    in_flight: set[Slot] = field(default_factory=set)
    paused: set[Slot] = field(default_factory=set)

    def drop(self, slot: Slot) -> None:
        """Give a partition up."""
        self.reading.pop(slot, None)
        self.taken.discard(slot)
        self.in_flight.discard(slot)


def plan(members: Sequence[Member], slots: Sequence[Slot]) -> Mapping[Slot, Member]:
    """Deal the partitions of each topic round among the members that want it, in the order they joined."""
    planned: dict[Slot, Member] = {}
    for slot in slots:
        wanting = [member for member in members if slot.topic in member.topics]
        if wanting:
            planned[slot] = wanting[slot.partition % len(wanting)]
    return planned


class Group:
    """The members of one group and where it stands (`committed`)."""

    def __init__(self) -> None:
        self.members: list[Member] = []
        self.committed: dict[Slot, int] = {}
        self.settled = True

    def join(self, member: Member, committed: Mapping[Slot, int]) -> None:
        """Add a member; `committed` tells where the group stands in its topics."""
        for slot, offset in committed.items():
            self.committed.setdefault(slot, offset)
        self.members.append(member)

    def leave(self, member: Member) -> None:
        """Remove a member; its partitions are free."""
        self.members.remove(member)
        member.reading.clear()
        member.taken.clear()
        member.in_flight.clear()

    def settle(self, *, force: bool = False) -> bool:
        """Let partitions change hands; `force` also those with something in flight. Whether all are where planned."""
        holders = {slot: member for member in self.members for slot in member.reading}
        self.settled = True
        for slot, wanted in plan(self.members, sorted(self.committed)).items():
            holder = holders.get(slot)
            if holder is wanted:
                continue
            if holder is not None and slot in holder.in_flight and not force:
                self.settled = False
                continue
            if holder is not None:
                holder.drop(slot)
            wanted.reading[slot] = self.committed[slot]
        return self.settled
