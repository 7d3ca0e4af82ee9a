"""Comparing complaints with earlier ones, a batch at a time: looked up without holding anything, then recorded.

Nobody else compares meanwhile, so what was looked up still holds; only an erasure may come between, and then the
erased complaint is left out.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from services.intake import store
from services.intake.model import Likely
from services.intake.policy.match import (
    LINK_WINDOW,
    REPEAT,
    Signature,
    judge,
    quoted_numbers,
    signature_of,
)
from shared.contracts.intake import ComplaintLinked
from shared.ids import first_id_at
from shared.store.transaction import Tx

_KINDS = {"batch_no": "batch"}
Shared = dict[str, set[str]]
"""Another complaint → the kinds of what it has in common with one."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A complaint with what it can be found by, and those it is likely about the same as."""

    id: str
    number: str
    unit: str
    traits: frozenset[store.Trait]
    signature: Signature
    likely: Sequence[Likely] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found for a batch, in the order in which it was received."""

    items: Sequence[Compared]
    numbers: Mapping[str, str]
    """The number of each complaint that is linked."""
    linked: Mapping[str, set[str]]
    """With which ones before it each of those is linked already."""


@dataclass(slots=True)
class _Batch:
    """Looks up what a batch has in common with what is stored, and with what comes before in the batch itself."""

    rows: Sequence[store.Found]
    traits: Mapping[str, frozenset[store.Trait]] = field(default_factory=dict)
    own: Mapping[str, Signature] = field(default_factory=dict)
    having: dict[store.Trait, list[str]] = field(default_factory=dict)
    quoted: Mapping[tuple[str, str], str] = field(default_factory=dict)
    signatures: dict[str, Signature] = field(default_factory=dict)

    async def compare(self, connection: AsyncConnection) -> Comparison:
        await self._look_up(connection)
        shared = {row.id: self._shared(row) for row in self.rows}
        await self._look_at_texts(connection, shared.values())
        items = [
            Compared(
                row.id, row.number, row.unit, self.traits[row.id], self.own[row.id],
                judge(shared[row.id], self.signatures, self.own[row.id]),
            )
            for row in self.rows
        ]  # fmt: skip
        others = {one.complaint_id for item in items for one in item.likely}
        if not others:
            return Comparison(items, {}, {})
        numbers = await store.numbers_by_id(connection, others)
        return Comparison(items, numbers, await store.linked_with(connection, others))

    async def _look_up(self, connection: AsyncConnection) -> None:
        contacts = await store.contact_tokens(connection, [one.complainant_id for one in self.rows])
        self.own = {row.id: signature_of(row.text) for row in self.rows}
        self.traits = {
            row.id: _traits(row, contacts.get(row.complainant_id, ())) for row in self.rows
        }
        since = first_id_at(min(row.received_at for row in self.rows) - LINK_WINDOW)
        wanted = set().union(*self.traits.values())
        self.having = await store.sharing(connection, wanted, since=since)
        numbers = {number for row in self.rows for number in quoted_numbers(row.text)}
        if numbers:
            self.quoted = await store.known_numbers(connection, numbers)

    def _shared(self, row: store.Found) -> Shared:
        """What earlier complaints have in common with one, which is then one of the earlier ones."""
        found: Shared = {}
        since = first_id_at(row.received_at - LINK_WINDOW)
        for trait in self.traits[row.id]:
            having = self.having.setdefault(trait, [])
            for id_ in having[: store.MOST_ALIKE]:
                if id_ >= since:
                    found.setdefault(id_, set()).add(trait[1])
            having.insert(0, row.id)
        for number in quoted_numbers(row.text):
            if other := self.quoted.get((row.unit, number)):
                found.setdefault(other, set()).add("number_quoted")
        found.pop(row.id, None)
        return found

    async def _look_at_texts(self, connection: AsyncConnection, shared: Iterable[Shared]) -> None:
        """Get the signatures of those with something in common."""
        wanted = {id_ for one in shared for id_ in one}
        stored = await store.signatures(connection, wanted - self.own.keys())
        self.signatures = {id_: Signature.unpacked(packed) for id_, packed in stored.items()}
        self.signatures |= self.own


def _traits(row: store.Found, contacts: Collection[str]) -> frozenset[store.Trait]:
    references: Mapping[str, str] = row.facts.get("reference_tokens", {})
    found = [("contact", token) for token in contacts]
    found += [(_KINDS.get(name, "reference"), token) for name, token in references.items()]
    return frozenset((row.unit, kind, value) for kind, value in found)


async def compare(connection: AsyncConnection, rows: Sequence[store.Found]) -> Comparison:
    """Which earlier complaints each of some is likely about the same as."""
    return await _Batch(rows).compare(connection)


async def record(tx: Tx, found: Comparison) -> None:
    """Remember by what the compared can be found, link them, and say so; not those erased meanwhile."""
    await tx.lock(*(one.id for one in found.items))
    taken = await store.take_unmatched(tx, [one.id for one in found.items])
    items = [one for one in found.items if one.id in taken]
    await store.keep_traits(tx, ((trait, one.id) for one in items for trait in one.traits))
    await store.keep_signatures(
        tx, {one.id: one.signature.packed() for one in items if one.signature.minima}
    )
    links = [(item, one) for item in items for one in item.likely]
    await store.add_links(tx, [(item.id, item.unit, one) for item, one in links])
    linked = {id_: set(others) for id_, others in found.linked.items()}
    for item in items:
        if item.likely:
            _say(tx, item, found.numbers, linked)


def _say(tx: Tx, item: Compared, numbers: Mapping[str, str], linked: dict[str, set[str]]) -> None:
    """Say each link; it is a repeat where so many different ones came before it."""
    others = {one.complaint_id for one in item.likely}
    earlier = others.union(*(linked.get(one, ()) for one in others))
    linked[item.id] = others
    for one in item.likely:
        said = ComplaintLinked(
            number=item.number,
            other_id=one.complaint_id,
            other_number=numbers[one.complaint_id],
            score=one.score,
            reasons=one.reasons,
            repeat=len(earlier) >= REPEAT,
        )
        tx.say(said, subject=item.id, unit=item.unit)
