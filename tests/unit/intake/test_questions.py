"""Which facts are asked for: those that every complaint needs and this one does not say, three at most."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from services.intake.model import Complaint, Contact, Person
from services.intake.policy.questions import common, missing
from shared.packs.load import load_folder, shipped_folder
from shared.packs.model import Pack

BARE = Complaint(
    unit="root", channel="web", external_id=None, language="zh", text="坏了", subject=None, truncated=False,
    occurred_at=None, person=Person(), address=None, contact_types=(), reachable=False, preferred_language=None,
    area=None, shop=None, product=None, batch_no=None, vin_prefix=None, reference_tokens={}, remedy_sought=None,
    attachments=(), related_to=None,
)  # fmt: skip
REACHED = Person(name="Li", contacts=(Contact("phone", "+8613800138000"),))


@cache
def pack(name: str) -> Pack:
    return load_folder(shipped_folder(), name)


def asked(complaint: Complaint, name: str = "generic") -> list[str]:
    return [fact.id for fact in missing(complaint, common(pack(name)))]


def test_of_a_bare_complaint_three_things_are_asked_and_first_how_to_answer() -> None:
    found = asked(BARE)

    assert found[0] == "contact"
    assert len(found) == 3
    assert "what_happened" not in found


@pytest.mark.parametrize(
    ("said", "fact"),
    [
        ({"person": REACHED}, "complainant_name"),
        ({"occurred_at": datetime(2026, 3, 1, tzinfo=UTC)}, "when"),
        ({"area": "north"}, "where"),
        ({"shop": "x"}, "where"),
        ({"remedy_sought": "x"}, "remedy_sought"),
    ],
)
def test_what_is_said_is_not_asked(said: dict[str, Any], fact: str) -> None:
    others: dict[str, Any] = {
        "person": REACHED, "occurred_at": datetime(2026, 3, 1, tzinfo=UTC), "area": "north", "remedy_sought": "x",
    }  # fmt: skip
    without = {name: value for name, value in others.items() if name not in said}
    if "shop" in said:
        without.pop("area")

    assert fact in asked(replace(BARE, **without))
    assert fact not in asked(replace(BARE, **(without | said)))


def test_who_stays_anonymous_is_not_asked_who_they_are() -> None:
    found = asked(replace(BARE, person=Person(anonymous=True)))

    assert {"contact", "complainant_name", "consent"}.isdisjoint(found)


def test_a_reference_answers_what_its_industry_asks_for_whatever_the_adapter_calls_it() -> None:
    known = replace(
        BARE, person=REACHED, occurred_at=datetime(2026, 3, 1, tzinfo=UTC), remedy_sought="x"
    )

    assert "account_number" in asked(known, "power")
    assert "account_number" not in asked(
        replace(known, reference_tokens={"account_no": "t"}), "power"
    )
