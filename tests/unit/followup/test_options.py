"""Which remedies a case is offered, which is recommended and why, and who must agree."""

from __future__ import annotations

from decimal import Decimal
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.policy.remedies.approving import Needed, must_be_within, needed
from services.followup.policy.remedies.options import Option, options
from shared.errors import Invalid
from shared.packs.load import load_folder, shipped_folder
from shared.packs.model import Pack
from tests.unit.followup.facts import remedy

NOTHING = Decimal(0)


@cache
def pack(name: str) -> Pack:
    return load_folder(shipped_folder(), name)


def best(found: list[Option]) -> str:
    [one] = [one for one in found if one.recommended_en]
    return one.remedy.code


@pytest.mark.req("R-074")
@pytest.mark.req("R-080")
@pytest.mark.parametrize(
    ("of", "category", "code"),
    [
        ("catering", "CAT-TST", "CAT-C1"),
        ("cement", "CEM-WGT", "CEM-C1"),
        ("ecommerce", "ECM-DLY", "ECM-C1"),
        ("power", "PWR-MTR", "PWR-C1"),
        ("generic", "GEN-SVC", "goodwill"),
        ("generic", None, "goodwill"),
    ],
)
def test_the_least_costly_that_is_likely_accepted_is_recommended_its_own_before_the_general(
    of: str, category: str | None, code: str
) -> None:
    found = list(options(pack(of), category, (), {}, spent=NOTHING))

    assert best(found) == code
    assert [one.is_own for one in found] == sorted((one.is_own for one in found), reverse=True)
    assert all(one.acceptance >= 0 and one.remedy.basis.zh for one in found)


@pytest.mark.req("R-077")
def test_what_was_refused_in_every_form_is_recommended_no_more() -> None:
    refused = [
        remedy(id=f"r1.{at}", state="refused", form=form)
        for at, form in enumerate(("money", "voucher", "points", "gift"), start=1)
    ]

    once = list(options(pack("generic"), "GEN-SVC", refused[:1], {}, spent=NOTHING))
    all_ = list(options(pack("generic"), "GEN-SVC", refused, {}, spent=NOTHING))

    assert best(once) == "goodwill"
    assert best(all_) == "redo"


@pytest.mark.req("R-069")
@pytest.mark.req("R-078")
@pytest.mark.parametrize(
    ("of", "code", "amount", "rank"),
    [
        ("cement", "CEM-C1", "800", None),
        ("cement", "CEM-C1", "2000", None),
        ("cement", "CEM-C1", "2000.01", "supervisor"),
        ("cement", "CEM-C1", "3000", "supervisor"),
        ("generic", "goodwill", "50", None),
        ("generic", "goodwill", "200", "supervisor"),
        ("generic", "goodwill", "2000", "department_head"),
        ("generic", "goodwill", "2000.01", "company"),
        ("catering", "CAT-C3", "1000", "company"),
        ("generic", "explain", None, None),
        ("generic", "process_fix", None, "department_head"),
    ],
)
def test_who_has_to_approve_follows_from_rule_and_amount(
    of: str, code: str, amount: str | None, rank: str | None
) -> None:
    asked = Decimal(amount) if amount else None

    assert needed(pack(of), pack(of).remedy(code), asked, spent=NOTHING) == Needed(rank)  # type: ignore[arg-type]


def test_over_what_anybody_may_approve_it_is_refused_with_the_rule_named() -> None:
    for of, code, amount in (("power", "PWR-C7", "50.01"), ("cement", "CEM-C1", "10000.01")):
        with pytest.raises(Invalid, match=code) as caught:
            needed(pack(of), pack(of).remedy(code), Decimal(amount), spent=NOTHING)
        assert [one.code for one in caught.value.errors] == ["over_limit"]


@given(st.integers(0, 10**7), st.integers(0, 10**7))
def test_over_the_budget_it_is_the_companys_to_approve_whatever_the_amount(
    cents: int, gone: int
) -> None:
    base = pack("generic")
    budget = Decimal(1_000)
    how = base.compensation.model_copy(update={"monthly_budget": budget})
    limited = base.model_copy(update={"compensation": how})
    amount, spent = Decimal(cents).scaleb(-2), Decimal(gone).scaleb(-2)

    found = needed(limited, limited.remedy("goodwill"), amount, spent=spent)

    assert found.over_budget == (amount + spent > budget)
    if found.over_budget:
        assert found.rank == "company"


def test_a_ceiling_is_not_passed_and_a_floor_not_gone_below() -> None:
    rule = pack("property").remedy("PRP-C1")

    must_be_within(rule, Decimal(90), (None, None), Decimal(90), "CNY")
    with pytest.raises(Invalid, match="942"):
        must_be_within(rule, Decimal("90.01"), (None, None), Decimal(90), "CNY")
    with pytest.raises(Invalid, match="at least"):
        must_be_within(rule, Decimal("9.99"), (None, Decimal(10)), None, "CNY")
