"""The form in which a complaint is compared and shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from services.intake.model import Contact, Draft, Person
from services.intake.policy.normalise import (
    normal_email,
    normal_phone,
    normalise,
    strip_invisible,
)
from services.intake.policy.seal import Box, SealBroken, Vault
from services.intake.policy.tokens import Tokens
from shared.errors import Invalid
from shared.language import detect_language

if TYPE_CHECKING:
    from services.intake.model import Complaint

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
TOKENS = Tokens(b"k" * 32)


def normal(text: str = "空调坏了", **more: Any) -> Complaint:
    draft = Draft(text=text, **more)
    return normalise(draft, unit="root", channel="web", now=NOW, tokens=TOKENS)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("空调坏了，没人来修", "zh"),
        ("My iPhone 坏了，屏幕不亮，请尽快派人来", "zh"),
        ("The air conditioner is broken", "en"),
        ("エアコンが壊れています", "other"),
        ("Кондиционер сломан", "other"),
        ("12345 !!!", "other"),
    ],
)
def test_the_language_is_told_by_the_script(text: str, language: str) -> None:
    assert detect_language(text) == language


def test_a_declared_language_goes_before_the_script() -> None:
    assert normal("broken", language="zh-Hans").language == "zh"
    assert normal("坏了", language="fr").language == "other"


@pytest.mark.parametrize(
    ("given", "phone"),
    [
        ("138 1234 5678", "+8613812345678"),
        ("0086-138-1234-5678", "+8613812345678"),
        ("(010) 6234 5678", "+861062345678"),
        ("+44 20 7946 0958", "+442079460958"),
        ("123", None),
        ("abc", None),
    ],
)
def test_phones_become_e164_and_are_chinese_without_a_country(
    given: str, phone: str | None
) -> None:
    assert normal_phone(given) == phone


@pytest.mark.parametrize(
    "given", ["a@b", "a b@c.de", "a@b.de\r\nBcc: x@y.z", "<a@b.de>", "@b.de", "a@@b.de"]
)
def test_what_is_no_mail_address_is_refused(given: str) -> None:
    assert normal_email(given) is None


def test_a_mail_addresss_domain_is_lower_case() -> None:
    assert normal_email("Wang@Example.COM") == "Wang@example.com"


def test_names_lose_direction_marks_and_zero_width_characters() -> None:
    assert strip_invisible("\u202e王\u200b小\ufeff明 ") == "王小明"


def test_equal_references_have_equal_tokens_only_under_the_same_name() -> None:
    one = normal(references={"order_no": "ab-12 3"}).reference_tokens
    two = normal(references={"order_no": "AB123", "meter": "AB123"}).reference_tokens

    assert one["order_no"] == two["order_no"]
    assert two["order_no"] != two["meter"]


def test_matching_gets_eleven_characters_of_a_vin_and_the_batch() -> None:
    found = normal(references={"vin": "lsval41z882104202", "batch_no": "20261122-01"})

    assert (found.vin_prefix, found.batch_no) == ("LSVAL41Z882", "20261122-01")


@pytest.mark.req("R-163")
def test_a_complaint_without_contacts_is_accepted_and_unreachable() -> None:
    found = normal(person=Person(anonymous=True))

    assert (found.reachable, found.contact_types, found.person.anonymous) == (False, (), True)


def test_an_address_alone_makes_nobody_reachable_at_once() -> None:
    found = normal(person=Person(contacts=(Contact("address", "幸福路5号"),)))

    assert (found.reachable, found.contact_types) == (False, ("address",))


@pytest.mark.req("R-162")
def test_subject_and_remedy_sought_are_masked_too() -> None:
    found = normal(subject="打13812345678", remedy_sought="退到6222020000000000000")

    assert (found.subject, found.remedy_sought) == ("打[phone]", "退到[card]")


def test_the_time_of_the_event_may_be_five_minutes_ahead_and_no_more() -> None:
    shanghai = timezone(timedelta(hours=8))

    assert normal(occurred_at=(NOW + timedelta(minutes=5)).astimezone(shanghai)).occurred_at == (
        NOW + timedelta(minutes=5)
    )
    with pytest.raises(Invalid) as refused:
        normal(occurred_at=NOW + timedelta(minutes=5, seconds=1))
    assert [one.field for one in refused.value.errors] == ["occurred_at"]


@pytest.mark.parametrize("year", [1, 9999])
def test_the_ends_of_the_calendar_are_refused_and_not_stumbled_over(year: int) -> None:
    at = datetime(year, 1, 1, tzinfo=timezone(timedelta(hours=14)))

    with pytest.raises(Invalid):
        normal(occurred_at=at)


def test_every_wrong_contact_is_named() -> None:
    contacts = (Contact("phone", "12"), Contact("email", "a@b.de"), Contact("webhook", "http://x"))

    with pytest.raises(Invalid) as refused:
        normal(person=Person(contacts=contacts))

    assert [one.field for one in refused.value.errors] == [
        "complainant.contacts.0.value",
        "complainant.contacts.2.value",
    ]


def test_what_is_sealed_opens_for_its_owner_and_field_only() -> None:
    key, vault = b"d" * 32, Vault(b"v" * 32)
    box = Box(key, owner="one")
    sealed = box.seal("profile", b"secret", nonce=b"n" * 12)
    wrapped = vault.wrap(key, owner="one", nonce=b"m" * 12)

    assert vault.box(wrapped, owner="one").open("profile", sealed) == b"secret"
    assert b"secret" not in sealed
    with pytest.raises(SealBroken):
        box.open("code", sealed)
    with pytest.raises(SealBroken):
        Box(key, owner="two").open("profile", sealed)
    with pytest.raises(SealBroken):
        vault.box(wrapped, owner="two")
