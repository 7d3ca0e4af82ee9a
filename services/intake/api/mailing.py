"""Mails that arrive: as complaints, as more about one, as bounces, or put aside."""

import asyncio
import os
from dataclasses import dataclass, replace
from typing import Any

from services.intake.api.arriving import (
    Arrival,
    Arrivals,
    Checked,
    TakenIn,
    Untaken,
    channel_of,
    checked,
    original_of,
    purpose,
)
from services.intake.channels.email import MEDIA_TYPE, read_as_written
from services.intake.channels.port import (
    REASONS,
    Bounce,
    Outcome,
    Payload,
    Quarantine,
    Reason,
    Reply,
    Submission,
)
from services.intake.model import MessageReceipt, NewMail, NewMessage, Reader
from services.intake.policy.match import quoted_numbers
from services.intake.policy.seal import KEY_BYTES, NONCE_BYTES, Box
from services.intake.store import Found
from services.intake.store.files import claims_on, is_claimed
from services.intake.store.mails import is_of, kept_mail, participation
from services.intake.usecases.mails import (
    Repeat,
    keep_mail,
    note_release,
    open_put_aside,
    writes_too_often,
)
from services.intake.usecases.messages import add_message
from services.intake.usecases.writing import ID_LENGTH
from shared.errors import Gone, Invalid, NotFound
from shared.ids import new_id
from shared.web.credentials import Principal
from shared.web.idempotency import other_body


@dataclass(frozen=True, slots=True)
class Kept:
    """A mail that is no complaint, and whether it came before."""

    row: Found
    replayed: bool


Taken = TakenIn | MessageReceipt | Kept


@dataclass(frozen=True, slots=True)
class Mailing:
    """Takes payloads in whatever they turn out to be."""

    arrivals: Arrivals

    async def take(self, arrival: Arrival, outcome: Outcome) -> Taken:
        """Take a payload in; returns after its commit. Raises Rejected where its sender can do better."""
        if not arrival.channel.quarantines:
            assert isinstance(outcome, Submission), "only mails are anything else"  # noqa: S101
            return await self.arrivals.submit(arrival, outcome)
        arrival = replace(arrival, unit=self._unit(arrival))
        match outcome:
            case Bounce() | Quarantine():
                return await self._put(arrival, outcome)
            case Reply():
                return await self._written(arrival, outcome.otherwise, reply=outcome)
            case Submission():
                return await self._written(arrival, _as_claimed(outcome))

    async def release(self, id_: str, principal: Principal) -> TakenIn:
        """Make a complaint of a mail that was put aside, once. Raises NotFound, Gone or Conflict."""
        reader = Reader(principal.id, principal.units)
        arrivals, vault = self.arrivals, self.arrivals.door.vault
        mail = await arrivals.database.run(lambda tx: open_put_aside(tx, id_, reader, vault=vault))
        payload = Payload(mail.raw, MEDIA_TYPE)
        arrival = Arrival(channel_of(mail.channel, principal), payload, principal, mail.unit)
        # An id of its own: another mail under its Message-ID may be a complaint already.
        submission = _as_claimed(
            await asyncio.to_thread(read_as_written, payload, id_=f"mail/{mail.id}")
        )
        try:
            taken = await arrivals.submit(arrival, submission)
        except Invalid:
            taken = await arrivals.submit(arrival, _only_words(submission))
        number = taken.receipt.number
        await arrivals.database.run(lambda tx: note_release(tx, mail, number, reader))
        return taken

    def _unit(self, arrival: Arrival) -> str:
        """The unit of a mail that says nothing of units itself. Raises Invalid or NotFound."""
        if arrival.unit is None:
            return arrival.principal.unit
        return self.arrivals.door.unit_for(arrival.unit, arrival.principal)

    async def _written(
        self, arrival: Arrival, submission: Submission, *, reply: Reply | None = None
    ) -> Taken:
        """What a person wrote: put aside only if it came before and was, or nothing else can be done with it."""
        id_ = str(submission.body["external_id"])
        before = await self._kept(arrival, id_)
        if before is not None:
            return Kept(before, replayed=True)
        await self._must_be_free(arrival, _mails(arrival))
        if await self._is_too_much(arrival, submission, id_):
            return await self._put(arrival, Quarantine("too_many", id_, submission.sender))
        if await self._is_anothers(arrival, submission, id_):
            return await self._put(arrival, Quarantine("other_body", id_, submission.sender))
        try:
            if reply is not None:
                return await self._add(arrival, reply)
            return await self.arrivals.submit(arrival, submission)
        except Invalid as error:
            reason: Reason = "other_body" if _is_reused(error) else "wrong_fields"
            if any(one.field == "Idempotency-Key" for one in error.errors):
                raise
            return await self._put(arrival, Quarantine(reason, id_, submission.sender))

    async def _kept(self, arrival: Arrival, id_: str) -> Found | None:
        key = self.arrivals.door.tokens.external(id_)
        async with self.arrivals.database.reading() as connection:
            return await kept_mail(
                connection, unit=str(arrival.unit), channel=arrival.channel.code, key=key
            )

    async def _is_anothers(self, arrival: Arrival, submission: Submission, id_: str) -> bool:
        """Whether another mail made a complaint under this id, and not by this sender: theirs is not to be added to."""
        arrivals, tokens = self.arrivals, self.arrivals.door.tokens
        scope = arrivals.door.external_scope(str(arrival.unit), arrival.channel.code)
        async with arrivals.database.reading() as connection:
            made = await claims_on(connection, [(scope, tokens.external(id_))])
            if not made:
                return False
            [(before, reference)] = made
            own = tokens.contact("email", submission.sender) if submission.sender else ""
            if await is_of(connection, reference[:ID_LENGTH], own):
                return False
        body = arrivals.body(arrival, submission)
        return before != arrivals.fingerprint(body, submission)

    async def _is_too_much(self, arrival: Arrival, submission: Submission, id_: str) -> bool:
        tokens = self.arrivals.door.tokens
        if submission.sender is None or await self.arrivals.is_known(arrival, id_):
            return False
        sender, key = tokens.contact("email", submission.sender), tokens.external(id_)
        return await self.arrivals.database.run(
            lambda tx: writes_too_often(tx, sender=sender, key=key)
        )

    async def _add(self, arrival: Arrival, reply: Reply) -> Taken:
        """Add to the complaint if the sender takes part in it; else it is a complaint, marked as not verified."""
        tokens = self.arrivals.door.tokens
        contact = tokens.contact("email", reply.sender)
        async with self.arrivals.database.reading() as connection:
            found = await participation(connection, reply.number, contact)
        if found is None or found.unit not in arrival.principal.units:
            return await self.arrivals.submit(arrival, _unverified(reply, related=False))
        if found.token is None:
            return await self.arrivals.submit(arrival, _unverified(reply, related=True))
        try:
            return await self._message(arrival, reply)
        except (Gone, NotFound):
            return await self.arrivals.submit(arrival, _unverified(reply, related=False))

    async def _message(self, arrival: Arrival, reply: Reply) -> MessageReceipt:
        submission, door = reply.otherwise, self.arrivals.door
        files: Checked = checked(submission.files, forgiving=True)
        body = self.arrivals.body(arrival, submission)
        kept = await self.arrivals.keep(
            files.kept, unit=str(arrival.unit), owner=arrival.principal.id
        )
        new = NewMessage(
            id=new_id(),
            number=reply.number,
            by="complainant",
            added_by=arrival.principal.id,
            units=arrival.principal.units,
            channel=arrival.channel.code,
            text=body.text,
            original=original_of(arrival, submission),
            language=None,
            attachments=tuple(kept),
            nonce=os.urandom(NONCE_BYTES),
            attachment_nonces=tuple(os.urandom(NONCE_BYTES) for _ in kept),
            idempotency_key=arrival.key,
            external_id=door.tokens.external(str(body.external_id)),
            fingerprint=self.arrivals.fingerprint(body, submission),
        )
        async with Untaken(self.arrivals, kept):
            return await self.arrivals.database.run(
                lambda tx: add_message(tx, new, vault=door.vault)
            )

    async def _put(self, arrival: Arrival, found: Bounce | Quarantine) -> Kept:
        """Keep a mail sealed under a key of its own."""
        await self._must_be_free(arrival, _complaints(arrival))
        new = self._sealed(arrival, found)
        raw = self.arrivals.door.tokens.fingerprint(arrival.payload.content)
        repeat = Repeat(_mails(arrival), arrival.key, raw)
        row, replayed = await self.arrivals.database.run(
            lambda tx: keep_mail(tx, new, repeat, units=arrival.principal.units)
        )
        return Kept(row, replayed)

    async def _must_be_free(self, arrival: Arrival, scope: str) -> None:
        """Raise Invalid where the Idempotency-Key made a thing of the other kind."""
        if arrival.key is None:
            return
        async with self.arrivals.database.reading() as connection:
            if await is_claimed(connection, [(scope, arrival.key)]):
                raise other_body()

    def _sealed(self, arrival: Arrival, found: Bounce | Quarantine) -> NewMail:
        id_, key, door = new_id(), os.urandom(KEY_BYTES), self.arrivals.door
        raw = arrival.payload.content
        sender = found.sender if isinstance(found, Quarantine) else None
        is_bounce = isinstance(found, Bounce)
        return NewMail(
            id=id_,
            unit=str(arrival.unit),
            channel=arrival.channel.code,
            key=door.tokens.external(found.external_id),
            outcome="bounce" if is_bounce else "quarantined",
            reason=found.kind if isinstance(found, Bounce) else found.reason,
            size=len(raw),
            data_key=door.vault.wrap(key, owner=id_, nonce=os.urandom(NONCE_BYTES)),
            raw=Box(key, owner=id_).seal("raw", raw, nonce=os.urandom(NONCE_BYTES)),
            sender=door.tokens.contact("email", sender) if sender else None,
            status=found.status if isinstance(found, Bounce) else None,
            number=found.number if isinstance(found, Bounce) else None,
            message=found.message if isinstance(found, Bounce) else None,
        )


def _complaints(arrival: Arrival) -> str:
    return f"{arrival.principal.id}/{purpose(arrival.channel)}"


def _mails(arrival: Arrival) -> str:
    return f"{_complaints(arrival)}/mails"


def _as_claimed(submission: Submission) -> Submission:
    """Marked as not verified, if it quotes the number of a complaint and anybody may have sent it."""
    if submission.is_proven or not quoted_numbers(submission.body["text"]):
        return submission
    return replace(submission, body={**submission.body, "unverified": True})


def _only_words(submission: Submission) -> Submission:
    """What can be taken of any mail: what it says. Who sent it stays in what was received."""
    kept = ("text", "external_id", "truncated", "unverified")
    said = {name: value for name, value in submission.body.items() if name in kept}
    return replace(submission, body=said)


def _unverified(reply: Reply, *, related: bool) -> Submission:
    more: dict[str, Any] = {"unverified": True}
    if related:
        more["related_to"] = reply.number
    return replace(reply.otherwise, body={**reply.otherwise.body, **more})


def _is_reused(error: Invalid) -> bool:
    return any((one.field, one.code) == ("external_id", "reused") for one in error.errors)


def told(row: Found) -> dict[str, Any]:
    """What is told of a mail that is no complaint."""
    shown = {
        "outcome": row.outcome,
        "id": row.id,
        "channel": row.channel,
        "reason": row.reason,
        "received_at": row.received_at,
        "size": row.size,
    }
    if row.outcome == "bounce":
        return shown | {"status": row.status, "number": row.number, "message_id": row.message_id}
    if row.outcome == "released":
        shown |= {
            "number": row.number,
            "released_by": row.released_by,
            "released_at": row.released_at,
        }
    zh, en = REASONS[row.reason]
    return shown | {"detail": {"zh": zh, "en": en}}
