"""Writing a batch of complaints: what came before is not made twice, what belongs to a known one is added to it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from services.intake import store
from services.intake.model import Claim, NewMessage, Receipt, Reception, Taken
from services.intake.policy.match import WINDOW
from services.intake.policy.seal import Vault
from services.intake.usecases.messages import append
from services.intake.usecases.receive import facts_of, said_of
from services.intake.usecases.refusals import erased, unknown_number, wrong_fields
from services.intake.usecases.taking import Files, check_files, take
from shared import faults, telemetry
from shared.errors import Rejected
from shared.store.signal import Signal
from shared.store.transaction import Tx
from shared.web.idempotency import claim as claim_once
from shared.web.idempotency import other_body

Write = Callable[[Tx, Sequence[Reception]], Awaitable[Sequence[Receipt | Rejected]]]
ID_LENGTH: Final = 36
ANEW: Final = timedelta(hours=1)
"""How long one person's complaint about one thing stays the one to add to, when the same channel brings more."""
ADDED: Final = "+"
"""Between a complaint's id and that of the message which a claim made because it is the same matter."""
EDITED: Final = "~"
"""The same, where the message is an edit of the post that made the complaint."""


def writer(vault: Vault, *, wake: Signal) -> Write:
    """How a batch of complaints is written; `wake` is set once it is."""

    async def write(tx: Tx, items: Sequence[Reception]) -> Sequence[Receipt | Rejected]:
        tx.wakes.add(wake)
        return await _Batch(tx, vault).write(items)

    return write


@dataclass(frozen=True, slots=True)
class _Same:
    """What a reception repeats: what was made before, and whether its body is the same."""

    reference: str
    claim: Claim
    is_equal: bool

    @property
    def id(self) -> str:
        return self.reference[:ID_LENGTH]

    @property
    def message_id(self) -> str | None:
        return self.reference[ID_LENGTH + 1 :] or None

    @property
    def shows_code(self) -> bool:
        return self.reference[ID_LENGTH : ID_LENGTH + 1] != ADDED


@dataclass(frozen=True, slots=True)
class _Added:
    """A reception that belongs to a known complaint. `is_edit`: the same post as before, changed."""

    item: Reception
    id: str
    is_edit: bool


Verdict = Reception | _Same | _Added | Rejected


@dataclass(slots=True)
class _Batch:
    """One batch: look up what was made before, decide for each item, write what is new."""

    tx: Tx
    vault: Vault
    made: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """(scope, key) → (fingerprint, what was made) of everything claimed, here or before."""
    claims: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """The part of `made` that this batch adds."""
    new: dict[str, Reception] = field(default_factory=dict)
    taken: dict[str, tuple[Taken, ...]] = field(default_factory=dict)
    """Attachments of each new complaint."""
    files: Files = field(default_factory=dict)
    related: Mapping[str, str] = field(default_factory=dict)
    matters: dict[str, store.Matter] = field(default_factory=dict)
    """Token of a person and a reference → the last complaint of theirs about it."""
    changed: dict[str, store.Matter] = field(default_factory=dict)
    """The part of `matters` that this batch changes."""
    quoted: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    """(unit, number, contact's token) → complaint, for the numbers that texts quote."""

    async def write(self, items: Sequence[Reception]) -> Sequence[Receipt | Rejected]:
        await self._look_up(items)
        verdicts = [self._decide(item) for item in items]
        if self.new:
            await self._record()
        known = {one.id for one in verdicts if isinstance(one, _Same | _Added)} - self.new.keys()
        before = await store.receipts(self.tx, known)
        added = [one for one in verdicts if isinstance(one, _Added)]
        answers = await self._add(added, before) if added else {}
        await store.claim(self.tx, self.claims)
        return [
            answers[one.item.id] if isinstance(one, _Added) else self._answer(one, before)
            for one in verdicts
        ]

    async def _look_up(self, items: Sequence[Reception]) -> None:
        wanted = [id_ for item in items for id_ in item.complaint.attachments]
        if wanted:
            self.files = await store.attachments(self.tx.connection, wanted, lock=True)
        # After the files: who waited for the same request elsewhere to take them sees what that request claimed.
        self.made = await store.claimed(self.tx, (claim for item in items for claim in item.claims))
        numbers = [item.complaint.related_to for item in items if item.complaint.related_to]
        if numbers:
            self.related = await store.units_of(self.tx.connection, numbers)
        tokens = {token for item in items for token in item.matter_tokens}
        if tokens:
            self.matters = await store.matters(self.tx, tokens, since=self.tx.now - WINDOW)
        quoted = {number for item in items for number in item.quoted}
        if quoted:
            self.quoted = await store.contacts_of(self.tx.connection, quoted)

    def _decide(self, item: Reception) -> Verdict:
        same = self._same(item)
        if same is not None:
            if not same.is_equal and same.claim.is_external:
                return _Added(item, same.id, is_edit=True)
            if same.is_equal:
                self._claim(item, same.reference)
            return same
        wrong = self._wrong(item)
        if wrong is not None:
            return wrong
        known = self._known(item)
        if known is not None:
            self._claim(item, f"{known}{ADDED}{item.message_id}")
            return _Added(item, known, is_edit=False)
        self._begin(item)
        return item

    def _begin(self, item: Reception) -> None:
        """Make it a complaint of its own."""
        self.new[item.id] = item
        self.taken[item.id] = take(
            self.files, item.complaint.attachments, item.attachment_nonces,
            vault=self.vault, complainant=item.complainant.id, data_key=item.complainant.data_key,
        )  # fmt: skip
        self._claim(item, item.id)
        self._remember(item)

    def _remember(self, item: Reception) -> None:
        """Have it found by its matters. Not each of many in a row: batches at once would wait for the same rows."""
        matter = store.Matter(item.id, item.complaint.channel, item.received_at)
        for token in item.matter_tokens:
            last = self.matters.get(token)
            if last is None or matter.received_at - last.received_at > ANEW:
                self.matters[token] = self.changed[token] = matter

    def _same(self, item: Reception) -> _Same | None:
        for claim in item.claims:
            found = self.made.get((claim.scope, claim.key))
            if found is not None:
                return _Same(found[1], claim, found[0] == claim.fingerprint)
        return None

    def _known(self, item: Reception) -> str | None:
        """The complaint of the same person about the same matter: its number is quoted, or another channel had it."""
        if item.complaint.unverified:
            return None
        for number in item.quoted:
            for _, contact in item.complainant.contact_tokens:
                found = self.quoted.get((item.complaint.unit, number, contact))
                if found is not None:
                    return found
        for token in item.matter_tokens:
            matter = self.matters.get(token)
            if matter is not None and matter.channel != item.complaint.channel:
                return matter.complaint_id
        return None

    def _claim(self, item: Reception, reference: str) -> None:
        for claim in item.claims:
            place = (claim.scope, claim.key)
            if place not in self.made:
                self.made[place] = self.claims[place] = (claim.fingerprint, reference)

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
        await store.take_attachments(
            self.tx, [(id_, one) for id_, all_ in self.taken.items() for one in all_]
        )
        if self.changed:
            await store.keep_matters(self.tx, self.changed)
        faults.reach("intake.complaints_written")
        for item, fact in zip(items, facts, strict=True):
            with telemetry.tracing(item.trace, number=item.number):
                self.tx.say(said_of(item, fact), subject=item.id, unit=item.complaint.unit)

    async def _add(
        self, added: Sequence[_Added], before: Mapping[str, store.Found]
    ) -> dict[str, Receipt | Rejected]:
        """Add to known complaints what belongs to them; answers by the reception's id."""
        ids = {one.id for one in added}
        await self.tx.lock(*ids)
        rows = await store.complaints_to_add_to(self.tx, ids)
        return {one.item.id: await self._add_one(one, rows[one.id], before) for one in added}

    async def _add_one(
        self, one: _Added, row: store.Found, before: Mapping[str, store.Found]
    ) -> Receipt | Rejected:
        item, twin = one.item, self.new.get(one.id)
        try:
            made = await self._edited_before(item, one.id) if one.is_edit else None
            if made is None:
                with telemetry.tracing(item.trace, number=row.number):
                    await append(self.tx, row, _message(item), vault=self.vault)
        except Rejected as error:
            return error
        message = made or item.message_id
        if one.is_edit:
            self._claim(item, f"{one.id}{EDITED}{message}")
        code = self._code(before[one.id]) if one.is_edit and not twin else None
        return Receipt(
            row.id, row.number, twin.code if twin and one.is_edit else code, row.received_at,
            replayed=made is not None, message_id=message,
        )  # fmt: skip

    async def _edited_before(self, item: Reception, complaint: str) -> str | None:
        """The message that the same edit made already."""
        fingerprint = item.claims[-1].fingerprint
        return await claim_once(
            self.tx, scope=f"edit/{complaint}", key=fingerprint, fingerprint=fingerprint,
            reference=item.message_id, now=self.tx.now,
        )  # fmt: skip

    def _answer(
        self, verdict: Reception | _Same | Rejected, before: Mapping[str, store.Found]
    ) -> Receipt | Rejected:
        if isinstance(verdict, Rejected):
            return verdict
        if isinstance(verdict, Reception):
            return Receipt(verdict.id, verdict.number, verdict.code, verdict.received_at)
        if not verdict.is_equal:
            return other_body()
        twin, message = self.new.get(verdict.id), verdict.message_id
        if twin is not None:
            code = twin.code if verdict.shows_code else None
            return Receipt(
                twin.id, twin.number, code, twin.received_at, replayed=True, message_id=message
            )
        row = before[verdict.id]
        if row.data_key is None:
            return erased()
        code = self._code(row) if verdict.shows_code else None
        return Receipt(row.id, row.number, code, row.received_at, replayed=True, message_id=message)

    def _code(self, row: store.Found) -> str:
        box = self.vault.box(row.data_key, owner=row.complainant_id)
        return box.open(f"code/{row.id}", row.code).decode()


def _message(item: Reception) -> NewMessage:
    """The complaint as a message of its sender's."""
    complaint = item.complaint
    return NewMessage(
        id=item.message_id,
        number="",
        by="complainant",
        added_by=item.by,
        units=item.units,
        channel=complaint.channel,
        text=complaint.text,
        original=item.original,
        language=complaint.language,
        attachments=complaint.attachments,
        nonce=item.message_nonce,
        attachment_nonces=item.attachment_nonces,
        idempotency_key=None,
        external_id=None,
        fingerprint="",
    )
