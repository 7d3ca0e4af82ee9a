"""What is told of remedies: everything that the customer's notice must hold, or nothing; and to whom approvals go."""

from __future__ import annotations

import pytest

from services.notify.policy.choose.remedies import of_approved, of_paid, to_approve, whose
from services.notify.policy.wording import in_words
from shared.contracts.desk import PolicyAccount
from shared.contracts.values import CaseRemedy
from shared.packs.letters import Written, write_letter
from shared.packs.load import load_folder, shipped_folder
from tests.unit.followup.facts import remedy

PACK = load_folder(shipped_folder(), "generic")
METER = {
    "reason": "电表偏快", "amount": {"amount": "1020.60", "currency": "CNY"}, "basis_zh": "供电营业规则",
    "basis_en": "Electricity supply rules", "calculation_zh": "1/2 × 1200 × 6.5%", "calculation_en": "half of 6.5 %",
    "needs": "supervisor",
}  # fmt: skip


def written(found: CaseRemedy, language: str) -> Written:
    planned = of_approved(found, PACK, number="1234-5678-903", category="GEN-SVC")
    assert planned is not None
    values = {
        name: in_words(word, language=language, zone="Asia/Shanghai")
        for name, word in planned.variables.items()
    }
    return write_letter(PACK.template(planned.letter), language=language, values=values)


@pytest.mark.req("R-076")
@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("zh", ("1,020.60元", "电表偏快", "供电营业规则", "1/2 × 1200 × 6.5%", "2026年3月2日 10:00")),
        ("en", ("CNY 1,020.60", "电表偏快", "Electricity supply rules", "half of 6.5 %", "2 March 2026, 10:00")),
    ],
)  # fmt: skip
def test_the_notice_holds_reason_basis_calculation_and_amount(
    language: str, told: tuple[str, ...]
) -> None:
    letter = written(remedy(**METER), language)

    assert all(one in letter.body for one in told)


@pytest.mark.req("R-076")
@pytest.mark.parametrize("name", ["reason", "basis", "calculation"])
def test_a_notice_that_lacks_one_of_them_is_not_written(name: str) -> None:
    """INVARIANT: no customer is told an amount without why and how it was counted.

    Taking a name out of the letter's `requires` would break this.
    """
    lacking = {each: "" for each in (name, f"{name}_zh", f"{name}_en") if each in METER}

    with pytest.raises(KeyError, match=name):
        written(remedy(**(METER | lacking)), "zh")


def test_what_has_no_amount_is_told_with_the_proposal_and_old_packs_tell_nothing() -> None:
    old = PACK.model_copy(update={"templates": ()})

    assert of_approved(remedy(amount=None), PACK, number="1", category=None) is None
    assert of_approved(remedy(), old, number="1", category=None) is None
    assert of_paid(remedy(), old, number="1") is None
    paid = of_paid(remedy(receipt="B-7"), PACK, number="1")
    assert paid is not None
    assert paid.variables["ref"] == "B-7"


def test_who_may_approve_is_asked_and_never_who_proposed() -> None:
    people = [
        PolicyAccount(id=one, login=one, display=one, role="supervisor", unit="north")
        for one in ("an", "su")
    ]
    units = ["district", "north", "root"]

    asked = to_approve(remedy(), people, number="1")

    assert [one.recipient for one in asked] == ["staff/su"]
    assert whose("supervisor", units) == units
    assert whose("department_head", units) == ["north", "root"]
    assert whose("company", units) == ["root"]
    assert whose("department_head", ["root"]) == ["root"]
