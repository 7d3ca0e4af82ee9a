"""Receiving complaints: made ready one by one, written many at a time."""

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import orjson

from services.intake import store
from services.intake.model import Claim, Complaint, NewComplainant, Receipt, Reception, Taken
from services.intake.policy.seal import KEY_BYTES, NONCE_BYTES, Box, Vault
from services.intake.policy.tokens import Tokens
from services.intake.usecases.taking import Files, check_files, take
from shared import faults, telemetry
from shared.contracts.intake import ComplaintReceived
from shared.contracts.values import Attachment
from shared.errors import FieldError, Gone, Invalid, Rejected
from shared.ids import code_digest, new_code, new_id, new_number
from shared.store.batch import Batcher
from shared.store.transaction import Tx
from shared.web.idempotency import other_body

Write = Callable[[Tx, Sequence[Reception]], Awaitable[Sequence[Receipt | Rejected]]]
DRAWS: Final = 5
"""How often a number is drawn before something else must be wrong."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a complaint comes from: who posted it, by which pack it is judged, and what it must not make twice."""

    by: str
    units: frozenset[str]
    pack: str
    pack_version: str
    claims: tuple[Claim, ...]
    received_at: datetime


def prepare(
    complaint: Complaint, origin: Origin, *, original: bytes, vault: Vault, tokens: Tokens
) -> Reception:
    """Draw what is random and seal what is personal."""
    complainant, box = _complainant(complaint, vault, tokens)
    id_, code = new_id(), new_code()
    return Reception(
        id=id_,
        number=new_number(),
        code=code,
        code_sha256=code_digest(code),
        sealed_code=box.seal(f"code/{id_}", code.encode(), nonce=os.urandom(NONCE_BYTES)),
        sealed_original=box.seal(f"original/{id_}", original, nonce=os.urandom(NONCE_BYTES)),
        complaint=complaint,
        complainant=complainant,
        attachment_nonces=tuple(os.urandom(NONCE_BYTES) for _ in complaint.attachments),
        received_at=origin.received_at,
        pack=origin.pack,
        pack_version=origin.pack_version,
        by=origin.by,
        units=origin.units,
        claims=origin.claims,
        trace=telemetry.current_trace(),
    )


async def receive(reception: Reception, batcher: Batcher[Reception, Receipt]) -> Receipt:
    """Write it with what else is waiting; returns after the commit. Raises its Rejected, or Transient."""
    for _ in range(DRAWS):
        try:
            return await batcher.submit(reception)
        except store.NumberTaken:
            reception = replace(reception, number=new_number())
    raise AssertionError(f"{DRAWS} numbers in a row were taken")


def _complainant(complaint: Complaint, vault: Vault, tokens: Tokens) -> tuple[NewComplainant, Box]:
    """The complainant behind a complaint: always a new one, as long as nothing matches them."""
    id_, key, person = new_id(), os.urandom(KEY_BYTES), complaint.person
    box = Box(key, owner=id_)
    profile = {
        "name": person.name,
        "contacts": [{"type": one.type, "value": one.value} for one in person.contacts],
        "customer_no": person.customer_no,
        "preferred_channel": person.preferred_channel,
        "language": person.language or complaint.language,
        "on_behalf_of": person.on_behalf_of,
        "address": complaint.address,
    }
    return (
        NewComplainant(
            id=id_,
            data_key=vault.wrap(key, owner=id_, nonce=os.urandom(NONCE_BYTES)),
            profile=box.seal("profile", orjson.dumps(profile), nonce=os.urandom(NONCE_BYTES)),
            contact_tokens=tuple(
                (one.type, tokens.contact(one.type, one.value)) for one in person.contacts
            ),
        ),
        box,
    )


def writer(vault: Vault, *, url: str) -> Write:
    """How a batch of complaints is written; `url` leads to complaints' messages."""

    async def write(tx: Tx, items: Sequence[Reception]) -> Sequence[Receipt | Rejected]:
        return await _Batch(tx, vault, url).write(items)

    return write


@dataclass(frozen=True, slots=True)
class _Same:
    """What a reception repeats: the complaint made before, and whether its body is the same."""

    id: str
    claim: Claim
    is_equal: bool


@dataclass(slots=True)
class _Batch:
    """One batch: look up what was made before, decide for each item, write what is new."""

    tx: Tx
    vault: Vault
    url: str
    made: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """(scope, key) → (fingerprint, complaint) of everything claimed, here or before."""
    claims: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """The part of `made` that this batch adds."""
    new: dict[str, Reception] = field(default_factory=dict)
    taken: dict[str, tuple[Taken, ...]] = field(default_factory=dict)
    """Attachments of each new complaint."""
    files: Files = field(default_factory=dict)
    related: Mapping[str, str] = field(default_factory=dict)

    async def write(self, items: Sequence[Reception]) -> Sequence[Receipt | Rejected]:
        await self._look_up(items)
        verdicts = [self._decide(item) for item in items]
        if self.new:
            await self._record()
        before = await store.receipts(
            self.tx,
            (one.id for one in verdicts if isinstance(one, _Same) and one.id not in self.new),
        )
        return [self._answer(one, before) for one in verdicts]

    async def _look_up(self, items: Sequence[Reception]) -> None:
        self.made = await store.claimed(self.tx, (claim for item in items for claim in item.claims))
        wanted = [id_ for item in items for id_ in item.complaint.attachments]
        if wanted:
            self.files = await store.attachments(self.tx.connection, wanted, lock=True)
        numbers = [item.complaint.related_to for item in items if item.complaint.related_to]
        if numbers:
            self.related = await store.units_of(self.tx.connection, numbers)

    def _decide(self, item: Reception) -> Reception | _Same | Rejected:
        same = self._same(item)
        if same is None:
            wrong = self._wrong(item)
            if wrong is not None:
                return wrong
            self.new[item.id] = item
            self.taken[item.id] = take(
                self.files, item.complaint.attachments, item.attachment_nonces,
                vault=self.vault, complainant=item.complainant.id, data_key=item.complainant.data_key,
            )  # fmt: skip
        if same is None or same.is_equal:
            self._claim(item, same.id if same else item.id)
        return same or item

    def _same(self, item: Reception) -> _Same | None:
        for claim in item.claims:
            found = self.made.get((claim.scope, claim.key))
            if found is not None:
                return _Same(found[1], claim, found[0] == claim.fingerprint)
        return None

    def _claim(self, item: Reception, id_: str) -> None:
        for claim in item.claims:
            place = (claim.scope, claim.key)
            if place not in self.made:
                self.made[place] = self.claims[place] = (claim.fingerprint, id_)

    def _wrong(self, item: Reception) -> Rejected | None:
        errors = check_files(self.files, item.complaint.attachments, owner=item.by)
        related = item.complaint.related_to
        if related is not None and self.related.get(related) not in item.units:
            errors.append(unknown_number("related_to"))
        return wrong_fields(errors) if errors else None

    async def _record(self) -> None:
        items = list(self.new.values())
        facts = [
            facts_of(item.complaint, [one.value for one in self.taken[item.id]]) for item in items
        ]
        await store.add_complaints(self.tx, items, facts)
        await store.claim(self.tx, self.claims)
        await store.take_attachments(
            self.tx, [(id_, one) for id_, all_ in self.taken.items() for one in all_]
        )
        faults.reach("intake.complaints_written")
        for item, fact in zip(items, facts, strict=True):
            with telemetry.tracing(item.trace, number=item.number):
                self.tx.say(_said(item, fact), subject=item.id, unit=item.complaint.unit)

    def _answer(
        self, verdict: Reception | _Same | Rejected, before: Mapping[str, store.Found]
    ) -> Receipt | Rejected:
        if isinstance(verdict, Rejected):
            return verdict
        if isinstance(verdict, Reception):
            return Receipt(verdict.id, verdict.number, verdict.code, verdict.received_at)
        twin = self.new.get(verdict.id)
        number = twin.number if twin else before[verdict.id].number
        if not verdict.is_equal:
            return self._other(verdict.claim, number)
        if twin:
            return Receipt(twin.id, twin.number, twin.code, twin.received_at, replayed=True)
        return self._replayed(before[verdict.id])

    def _replayed(self, row: store.Found) -> Receipt | Rejected:
        if row.data_key is None:
            return erased()
        code = self.vault.box(row.data_key, owner=row.complainant_id).open(
            f"code/{row.id}", row.code
        )
        return Receipt(row.id, row.number, code.decode(), row.received_at, replayed=True)

    def _other(self, claim: Claim, number: str) -> Rejected:
        if not claim.is_external:
            return other_body()
        return Invalid(
            "This external_id came before with another body: add to that complaint at messages_url.",
            zh="该 external_id 已用于另一内容,请通过 messages_url 向原投诉补充。",
            errors=[
                FieldError("external_id", "reused", "was used with another body", "已用于其他内容")
            ],
            number=number,
            messages_url=f"{self.url}/intake/v1/complaints/{number}/messages",
        )


def facts_of(complaint: Complaint, attachments: Sequence[Attachment]) -> dict[str, object]:
    """What is known of a complaint beside its columns, masked, as it is stored, said and shown; nothing for None."""
    found: dict[str, object | None] = {
        "subject": complaint.subject,
        "truncated": complaint.truncated,
        "occurred_at": complaint.occurred_at.isoformat() if complaint.occurred_at else None,
        "anonymous": complaint.person.anonymous,
        "reachable": complaint.reachable,
        "contact_types": complaint.contact_types,
        "preferred_channel": complaint.person.preferred_channel,
        "preferred_language": complaint.preferred_language,
        "area": complaint.area,
        "shop": complaint.shop,
        "product": complaint.product,
        "batch_no": complaint.batch_no,
        "vin_prefix": complaint.vin_prefix,
        "reference_tokens": complaint.reference_tokens,
        "remedy_sought": complaint.remedy_sought,
        "attachments": [one.model_dump() for one in attachments],
        "related_to": complaint.related_to,
    }
    return {name: value for name, value in found.items() if value is not None}


def _said(item: Reception, facts: Mapping[str, object]) -> ComplaintReceived:
    return ComplaintReceived.model_validate(
        {
            **facts,
            "number": item.number,
            "code_sha256": item.code_sha256,
            "channel": item.complaint.channel,
            "language": item.complaint.language,
            "text": item.complaint.text,
            "received_at": item.received_at,
            "complainant_id": item.complainant.id,
            "pack": item.pack,
            "pack_version": item.pack_version,
        }
    )


def wrong_fields(errors: Iterable[FieldError]) -> Invalid:
    """Fields that point at what is not there."""
    return Invalid(
        "Some fields are wrong: see errors.", zh="部分字段不正确,见 errors。", errors=tuple(errors)
    )


def unknown_number(where: str) -> FieldError:
    """No complaint within reach has that number."""
    return FieldError(where, "unknown", "is no complaint within reach", "不是可见范围内的投诉编号")


def erased() -> Gone:
    """The complainant's data was erased."""
    return Gone("The complainant's data was erased.", zh="投诉人的数据已被删除。")
