"""Handing partitions over within the embedded engine, over every order of events."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shared.bus.embedded.group import Group, Member
from shared.bus.port import Slot

SLOTS = [Slot("t", number) for number in range(5)]
COMMITTED = dict.fromkeys(SLOTS, 0)


@given(st.data())
def test_no_partition_is_read_by_two_members_and_in_the_end_each_has_one(
    data: st.DataObject,
) -> None:
    """INVARIANT: at any time a partition has at most one member, and what is in flight is held."""
    group = Group()
    for _ in range(data.draw(st.integers(1, 25))):
        step = data.draw(st.sampled_from(["join", "leave", "take", "land", "force"]))
        if step == "join" and len(group.members) < 4:
            group.join(Member(frozenset({"t"})), COMMITTED)
            group.settle()
        elif group.members:
            member = data.draw(st.sampled_from(group.members))
            _do(step, group, member)
        held = [slot for member in group.members for slot in member.reading]
        assert len(held) == len(set(held))
        assert all(member.in_flight <= member.reading.keys() for member in group.members)
        assert all(member.taken <= member.reading.keys() for member in group.members)
    group.settle(force=True)
    if group.members:
        assert sorted(slot for member in group.members for slot in member.reading) == SLOTS
        loads = [len(member.reading) for member in group.members]
        assert max(loads) - min(loads) <= 1


def _do(step: str, group: Group, member: Member) -> None:
    if step == "leave":
        group.leave(member)
        group.settle()
    elif step == "take":
        member.taken.update(member.reading)
        member.in_flight.update(member.reading)
    elif step == "land":
        member.in_flight.clear()
        group.settle()
    elif step == "force":
        group.settle(force=True)
