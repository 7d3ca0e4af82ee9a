"""Receiving complaints: made ready one by one, written many at a time."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import orjson

from services.intake import store
from services.intake.model import (
    Claim,
    Complaint,
    NewComplainant,
    Person,
    Receipt,
    Reception,
)
from services.intake.policy.match import quoted_numbers
from services.intake.policy.seal import KEY_BYTES, NONCE_BYTES, Box, Vault
from services.intake.policy.tokens import Tokens
from shared import telemetry
from shared.contracts.intake import ComplaintReceived
from shared.contracts.values import Attachment
from shared.ids import code_digest, new_code, new_id, new_number
from shared.store.batch import Batcher

NOT_OF_A_MATTER: Final = frozenset({"customer_no", "account_no", "batch_no"})
"""References that one person has with many matters, or many persons with one."""
MOST_MATTERS: Final = 8
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
        original=original,
        message_id=new_id(),
        message_nonce=os.urandom(NONCE_BYTES),
        matter_tokens=_matters(complaint, complainant, tokens),
        quoted=quoted_numbers(complaint.text),
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
    profile = profile_of(
        person, address=complaint.address, language=person.language or complaint.language
    )
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


def _matters(complaint: Complaint, by: NewComplainant, tokens: Tokens) -> tuple[str, ...]:
    """A token for each contact point with each reference that tells one thing from another."""
    about = [
        token for name, token in complaint.reference_tokens.items() if name not in NOT_OF_A_MATTER
    ]
    pairs = [(contact, one) for _, contact in by.contact_tokens for one in about]
    return tuple(
        tokens.matter(complaint.unit, contact, one) for contact, one in pairs[:MOST_MATTERS]
    )


def profile_of(person: Person, *, address: str | None, language: str | None) -> dict[str, object]:
    """What the vault keeps of a person."""
    return {
        "name": person.name,
        "contacts": [{"type": one.type, "value": one.value} for one in person.contacts],
        "customer_no": person.customer_no,
        "preferred_channel": person.preferred_channel,
        "language": language,
        "on_behalf_of": person.on_behalf_of,
        "address": address,
    }


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
        "unverified": complaint.unverified or None,
        "missing": complaint.missing or None,
        "regulator": complaint.regulator.model_dump(mode="json") if complaint.regulator else None,
        "post": complaint.post.model_dump(mode="json") if complaint.post else None,
    }
    return {name: value for name, value in found.items() if value is not None}


def said_of(item: Reception, facts: Mapping[str, object]) -> ComplaintReceived:
    """What is said of a new complaint."""
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
