"""Customers whom the company knows before they complain, and where its staff can be reached."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson

from services.intake import store
from services.intake.model import SENDABLE, Contact, Customer, KnownCustomer, NewComplainant, Reader
from services.intake.policy.normalise import language_of, normal_contacts, normal_person
from services.intake.policy.seal import KEY_BYTES, NONCE_BYTES, Box, Vault
from services.intake.policy.tokens import Tokens
from services.intake.usecases.receive import profile_of
from services.intake.usecases.refusals import wrong_fields
from shared.contracts.intake import ComplainantChanged
from shared.errors import FieldError, NotFound
from shared.ids import new_id
from shared.masking import mask_text
from shared.store.transaction import Tx


def prepare_customer(
    customer: Customer, *, at: datetime, vault: Vault, tokens: Tokens
) -> KnownCustomer:
    """A customer in their normal form, with what is random drawn. Raises Invalid that names what is wrong."""
    errors: list[FieldError] = []
    contacts = normal_contacts(customer.person.contacts, errors)
    if errors:
        raise wrong_fields(
            [replace(one, field=one.field.removeprefix("complainant.")) for one in errors]
        )
    person = normal_person(customer.person, contacts)
    profile = profile_of(person, address=customer.address, language=person.language) | {
        "customer_class": customer.rank,
        "consents": {
            name: {"given": given, "at": at.isoformat()}
            for name, given in sorted(customer.consents.items())
        },
        "owned": [{"name": name, "value": value} for name, value in customer.owned],
    }
    id_, key, plain = new_id(), os.urandom(KEY_BYTES), orjson.dumps(profile)
    fresh = NewComplainant(
        id=id_,
        data_key=vault.wrap(key, owner=id_, nonce=os.urandom(NONCE_BYTES)),
        profile=Box(key, owner=id_).seal("profile", plain, nonce=os.urandom(NONCE_BYTES)),
        contact_tokens=_points(contacts, tokens),
    )
    return KnownCustomer(
        customer=replace(customer, person=person),
        token=tokens.reference("customer_no", customer.customer_no),
        profile=plain,
        fresh=fresh,
        nonce=os.urandom(NONCE_BYTES),
        owned_tokens=tuple((name, tokens.reference(name, value)) for name, value in customer.owned),
    )


async def keep_customer(
    tx: Tx, new: KnownCustomer, reader: Reader, *, vault: Vault
) -> tuple[str, bool]:
    """Write a customer whole, known by unit and number; says who it is and whether they are new."""
    unit = new.customer.unit
    row = await store.known_as(tx, unit, new.token)
    id_ = row.id if row else new.fresh.id
    profile = new.fresh.profile
    if row:
        box = vault.box(row.data_key, owner=row.id)
        profile = box.seal("profile", new.profile, nonce=new.nonce)
    values = {
        "id": id_,
        "unit": unit,
        "data_key": new.fresh.data_key,
        "profile": profile,
        "anonymous": False,
        "created_at": tx.now,
        "customer": new.token,
    }
    owned = (*new.owned_tokens, ("customer_no", new.token))
    await store.keep_customer(tx, values, new.fresh.contact_tokens, owned, is_new=row is None)
    await store.record_read(
        tx, reader=reader.id, what="customer put", target=id_, unit=unit, at=tx.now
    )
    tx.say(_said(id_, new.customer), subject=id_, unit=unit)
    return id_, row is None


async def search(
    tx: Tx,
    contacts: Sequence[Contact],
    references: Mapping[str, str],
    reader: Reader,
    *,
    tokens: Tokens,
) -> list[dict[str, Any]]:
    """Whose a contact point or reference is, within reach; recorded for each one found."""
    errors: list[FieldError] = []
    points = _points(normal_contacts(contacts, errors), tokens)
    if errors:
        raise wrong_fields(
            [replace(one, field=one.field.removeprefix("complainant.")) for one in errors]
        )
    owned = tuple((name, tokens.reference(name, value)) for name, value in references.items())
    found = await store.whose(tx.connection, points, owned, reader.units)
    rows = await store.complainants(tx.connection, found, reader.units)
    numbers = await store.numbers_of(tx.connection, rows)
    for id_, row in sorted(rows.items()):
        await store.record_read(
            tx, reader=reader.id, what="search", target=id_, unit=row.unit, at=tx.now, reason=mask_text(reader.reason)
        )  # fmt: skip
    return [
        {
            "id": id_,
            "unit": row.unit,
            "is_customer": row.customer is not None,
            "matched": sorted(found[id_]),
            "numbers": [number for _, number in numbers.get(id_, ())],
        }
        for id_, row in sorted(rows.items())
    ]


async def keep_staff(
    tx: Tx, account: str, unit: str, contacts: Sequence[Contact], reader: Reader,
    *, key: bytes, nonces: tuple[bytes, bytes], vault: Vault,
) -> None:  # fmt: skip
    """Write where a member of staff can be reached, under a new data key."""
    errors: list[FieldError] = []
    found = normal_contacts(contacts, errors)
    if errors:
        raise wrong_fields(
            [replace(one, field=one.field.removeprefix("complainant.")) for one in errors]
        )
    plain = orjson.dumps([{"type": one.type, "value": one.value} for one in found])
    owner = f"staff/{account}"
    values = {
        "account": account,
        "unit": unit,
        "data_key": vault.wrap(key, owner=owner, nonce=nonces[0]),
        "profile": Box(key, owner=owner).seal("contacts", plain, nonce=nonces[1]),
        "changed_at": tx.now,
    }
    await store.keep_staff(tx, values)
    await store.record_read(
        tx, reader=reader.id, what="staff put", target=account, unit=unit, at=tx.now
    )


async def read_staff(
    tx: Tx, account: str, reader: Reader, *, vault: Vault, recorded: bool
) -> list[dict[str, str]]:
    """Where a member of staff can be reached. Raises NotFound."""
    row = await store.staff(tx.connection, account, reader.units)
    if row is None:
        raise NotFound(f"There are no contact points of {account} within reach.", zh="未找到。")
    if recorded:
        await store.record_read(
            tx, reader=reader.id, what="staff", target=account, unit=row.unit, at=tx.now
        )
    box = vault.box(row.data_key, owner=f"staff/{account}")
    contacts: list[dict[str, str]] = orjson.loads(box.open("contacts", row.profile))
    return contacts


async def forget_staff(tx: Tx, account: str, reader: Reader) -> None:
    """Delete where a member of staff could be reached."""
    row = await store.staff(tx.connection, account, reader.units)
    if row is not None:
        await store.forget_staff(tx, account)
        await store.record_read(
            tx, reader=reader.id, what="staff forgotten", target=account, unit=row.unit, at=tx.now
        )


def _points(contacts: Sequence[Contact], tokens: Tokens) -> tuple[tuple[str, str], ...]:
    return tuple((one.type, tokens.contact(one.type, one.value)) for one in contacts)


def _said(id_: str, customer: Customer) -> ComplainantChanged:
    person = customer.person
    types = tuple(dict.fromkeys(one.type for one in person.contacts))
    return ComplainantChanged(
        complainant_id=id_,
        contact_types=types,
        reachable=not SENDABLE.isdisjoint(types),
        preferred_channel=person.preferred_channel,
        preferred_language=language_of(person.language),
        customer_class=customer.rank,
        consents=dict(customer.consents),
    )
