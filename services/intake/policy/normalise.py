"""Brings a complaint into the form in which it is compared, matched and shown. Its own words stay in the vault."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import phonenumbers

from services.intake.model import SENDABLE, Complaint, Contact, Draft, Person
from services.intake.policy.tokens import Tokens, plain_reference
from shared.contracts.values import Language
from shared.errors import FieldError, Invalid
from shared.language import detect_language
from shared.masking import Known, mask, mask_text

AHEAD: Final = timedelta(minutes=5)
EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
VIN_PREFIX: Final = 11
# Explicit direction marks (UAX 9), zero-width characters and the byte order mark: in a name they only mislead.
_INVISIBLE: Final = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_MOBILE_CN: Final = re.compile(r"(?:(?:\+|00)?86)?(1[3-9][0-9]{9})")
_PHONE_NOISE: Final = str.maketrans("", "", " -\u2010\u2011\u2012\u2013\u2014()（）.\u00a0\u3000")
_EMAIL: Final = re.compile(
    r"[^\s@\"<>()\[\],;:\\]{1,64}@(?=.{4,255}\Z)(?:[\w-]{1,63}\.)+[\w-]{2,63}"
)
_WEB: Final = re.compile(r"https://[^\s/@]+(?:/\S*)?")


def normalise(draft: Draft, *, unit: str, channel: str, now: datetime, tokens: Tokens) -> Complaint:
    """The complaint in its normal form. Raises Invalid that names every field that is wrong."""
    errors: list[FieldError] = []
    occurred_at = _occurred(draft.occurred_at, now, errors)
    contacts = normal_contacts(draft.person.contacts, errors)
    if errors:
        raise Invalid(
            "Some fields are wrong: see errors.", zh="部分字段不正确,见 errors。", errors=errors
        )
    person = normal_person(draft.person, contacts)
    address = _plain(draft.address)
    known = _known(person, address, draft.person)
    text = unicodedata.normalize("NFC", draft.text)
    references = draft.references
    types = tuple(dict.fromkeys(contact.type for contact in contacts))
    return Complaint(
        unit=unit,
        channel=channel,
        external_id=mask_text(draft.external_id),
        language=language_in(text, tag=draft.language),
        text=mask(text, known=known).text,
        subject=_short(draft.subject, known),
        truncated=draft.truncated,
        occurred_at=occurred_at,
        person=person,
        address=address,
        contact_types=types,
        reachable=not SENDABLE.isdisjoint(types),
        preferred_language=language_of(person.language),
        area=_short(draft.area, known),
        shop=_short(draft.shop, known),
        product=_short(draft.product, known),
        batch_no=_short(references.get("batch_no"), known),
        vin_prefix=_vin_prefix(references),
        reference_tokens=_tokens(references, person.customer_no, tokens),
        remedy_sought=_short(draft.remedy_sought, known),
        attachments=tuple(dict.fromkeys(draft.attachments)),
        related_to=draft.related_to,
        unverified=draft.unverified,
        regulator=draft.regulator,
        post=draft.post,
    )


def mask_message(text: str, profile: Mapping[str, Any]) -> str:
    """A later message in its normal form, masked; `profile` is what the vault keeps of the complainant."""
    contacts = tuple(Contact(one["type"], one["value"]) for one in profile.get("contacts", ()))
    person = Person(
        name=profile.get("name"), contacts=contacts, on_behalf_of=profile.get("on_behalf_of")
    )
    known = _known(person, profile.get("address"), person)
    return mask(unicodedata.normalize("NFC", text), known=known).text


def language_of(tag: str | None) -> Language | None:
    """Our language for a BCP 47 tag such as `zh-Hans` or `en-GB`."""
    if tag is None:
        return None
    main = tag.partition("-")[0].lower()
    return "zh" if main == "zh" else "en" if main == "en" else "other"


def language_in(text: str, *, tag: str | None) -> Language:
    """The language that is said of a text, else the one that it is written in."""
    return language_of(tag) or detect_language(text)


def strip_invisible(name: str) -> str:
    """A name without direction marks and zero-width characters, NFC, without blanks around it."""
    return unicodedata.normalize("NFC", _INVISIBLE.sub("", name)).strip()


def _plain(name: str | None) -> str | None:
    return (strip_invisible(name) or None) if name else None


def _short(text: str | None, known: Sequence[Known]) -> str | None:
    return mask_text(unicodedata.normalize("NFC", text), known=known) if text else None


def normal_person(person: Person, contacts: tuple[Contact, ...]) -> Person:
    """A person with plain names and these contacts."""
    return Person(
        name=_plain(person.name),
        anonymous=person.anonymous,
        contacts=contacts,
        customer_no=_plain(person.customer_no),
        preferred_channel=person.preferred_channel,
        language=person.language,
        on_behalf_of=_plain(person.on_behalf_of),
    )


def _known(person: Person, address: str | None, as_given: Person) -> Sequence[Known]:
    """What is known to be personal of this complaint: the longest first, so that none is cut by its own part."""
    found: dict[str, Known] = {}
    for name in (person.name, person.on_behalf_of):
        if name:
            found[name] = (name, "name")
    for where in (address, *(one.value for one in person.contacts if one.type == "address")):
        if where:
            found[where] = (where, "address")
    for contact in as_given.contacts:
        if contact.type in ("wechat", "wecom"):
            found[contact.value] = (contact.value, "name")
    return sorted(found.values(), key=lambda one: -len(one[0]))


def _occurred(at: datetime | None, now: datetime, errors: list[FieldError]) -> datetime | None:
    if at is None:
        return None
    # Compared before it is converted: the first and last days of the calendar have no UTC.
    if at > now + AHEAD:
        errors.append(
            FieldError(
                "occurred_at", "future", "is more than 5 minutes ahead", "比当前时间超前 5 分钟以上"
            )
        )
    elif at < EARLIEST:
        errors.append(FieldError("occurred_at", "past", "is before 1900", "早于 1900 年"))
    else:
        return at.astimezone(UTC)
    return None


def normal_contacts(contacts: Iterable[Contact], errors: list[FieldError]) -> tuple[Contact, ...]:
    """Contact points in their normal form; what is none is added to `errors`."""
    found: dict[Contact, None] = {}
    for at, contact in enumerate(contacts):
        value = _contact_value(contact)
        if value is None:
            errors.append(_contact_error(at, contact.type))
        else:
            found[Contact(contact.type, value)] = None
    return tuple(found)


def _contact_value(contact: Contact) -> str | None:
    value = unicodedata.normalize(
        "NFKC" if contact.type in ("phone", "email") else "NFC", contact.value
    ).strip()
    match contact.type:
        case "phone":
            return normal_phone(value)
        case "email":
            return normal_email(value)
        case "webhook":
            return value if _WEB.fullmatch(value) else None
        case _:
            return strip_invisible(value) or None


def normal_phone(value: str) -> str | None:
    """A phone as E.164; numbers without a country code are Chinese. None when it is no number."""
    plain = value.translate(_PHONE_NOISE)
    mobile = _MOBILE_CN.fullmatch(plain)
    if mobile:  # nearly all of them; the library takes a tenth of a millisecond
        return "+86" + mobile[1]
    try:
        number = phonenumbers.parse(value, "CN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def normal_email(value: str) -> str | None:
    """A mail address with its domain in lower case. None when it is none, or holds what could end a header."""
    if not _EMAIL.fullmatch(value):
        return None
    local, _, domain = value.rpartition("@")
    return f"{local}@{domain.lower()}"


def _contact_error(at: int, type_: str) -> FieldError:
    wanted = {
        "phone": (
            "is no phone number: write it with its country code, as in +86 138 0013 8000",
            "不是有效的电话号码",
        ),
        "email": ("is no mail address", "不是有效的邮箱地址"),
        "webhook": ("is no https:// address", "不是 https:// 地址"),
    }
    message, zh = wanted.get(type_, ("is empty", "不能为空"))
    return FieldError(f"complainant.contacts.{at}.value", type_, message, zh)


def _vin_prefix(references: Mapping[str, str]) -> str | None:
    vin = references.get("vin")
    prefix = plain_reference(vin)[:VIN_PREFIX] if vin else ""
    return prefix if len(prefix) == VIN_PREFIX else None


def _tokens(
    references: Mapping[str, str], customer_no: str | None, tokens: Tokens
) -> Mapping[str, str]:
    found = {
        name: tokens.reference(name, value) for name, value in references.items() if value.strip()
    }
    if customer_no:
        found.setdefault("customer_no", tokens.reference("customer_no", customer_no))
    return found
