"""What the calculators of each pack say, against cases worked by hand from the law and the pack's own words."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.followup.policy.remedies.calculate import Advice, advise
from services.followup.policy.remedies.money import from_minor, minor, rounded, said
from shared.errors import Invalid
from shared.packs.load import load_folder, shipped_folder
from shared.packs.model import Pack, Text
from shared.packs.remedies import Approval, Calculator, Input, Remedy, Summand

PACKS = ("generic", "power", "cement", "property", "catering", "ecommerce", "automotive")


@cache
def pack(name: str) -> Pack:
    return load_folder(shipped_folder(), name)


def counted(of: str, code: str, **inputs: str) -> Advice:
    found = advise(pack(of).remedy(code), inputs, {}, currency="CNY")
    assert found is not None
    return found


BY_HAND = (
    # 消费者权益保护法 55: three times the price, at least 500.
    ("generic", "punitive_fraud", {"price": "200"}, "600.00"),
    ("generic", "punitive_fraud", {"price": "100"}, "500.00"),
    ("cement", "CEM-C5", {"price": "25.50"}, "500.00"),
    ("ecommerce", "ECM-C6", {"price": "299"}, "1196.00"),  # 299 back and 897
    ("ecommerce", "ECM-C6", {"price": "60"}, "560.00"),  # 60 back and 500
    ("automotive", "AUT-C5", {"price": "150000"}, "600000.00"),
    # 食品安全法 148: ten times the price or three times the loss, at least 1,000.
    ("catering", "CAT-C3", {"price": "38"}, "1000.00"),
    ("catering", "CAT-C3", {"price": "128"}, "1280.00"),
    ("catering", "CAT-C3", {"price": "128", "loss": "2000"}, "6000.00"),
    ("ecommerce", "ECM-C6F", {"price": "120"}, "1320.00"),  # 120 back and 1,200
    # 消费者权益保护法 25: the full price within seven days.
    ("ecommerce", "ECM-C5", {"price": "899", "received_on": "2026-03-02", "asked_on": "2026-03-09"}, "899.00"),
    ("catering", "CAT-C8", {"principal": "1000", "paid_on": "2026-03-02", "asked_on": "2026-03-05"}, "1000.00"),
    # 民法典 587: the deposit twofold; or back.
    ("catering", "CAT-C10", {"deposit": "2000"}, "4000.00"),
    ("automotive", "AUT-C7", {"deposit": "5000"}, "5000.00"),
    # Late: CNY 100 a day from day 6; twelve days are seven (AUT-4).
    ("automotive", "AUT-C3", {"days": "12"}, "700.00"),
    ("automotive", "AUT-C3", {"days": "5"}, "0.00"),
    ("ecommerce", "ECM-C1", {"price": "50", "freight": "8"}, "13.00"),  # 2.50 is raised to 5
    ("ecommerce", "ECM-C1", {"price": "400"}, "20.00"),
    ("ecommerce", "ECM-C1", {"price": "9000", "freight": "12"}, "62.00"),  # 450 is cut to 50
    ("ecommerce", "ECM-C2", {"price": "1000"}, "50.00"),
    # 三包 24: price less price × km/1,000 × 0.5 %.
    ("automotive", "AUT-C2", {"price": "120000", "km": "10000"}, "114000.00"),
    ("automotive", "AUT-C2", {"price": "120000", "km": "10000", "rate": "0.4"}, "115200.00"),
    ("automotive", "AUT-C8", {"parts": "3000"}, "1500.00"),
    # Fee offset: 300 a month, 10 days, 30 % of the service: 30.
    ("property", "PRP-C1", {"fee": "300", "days": "10", "share": "30"}, "30.00"),
    ("property", "PRP-C1", {"fee": "300", "days": "30", "share": "80"}, "90.00"),  # 240 is cut to 30 % of the month
    ("property", "PRP-C2", {"charged": "460", "right": "360"}, "100.00"),
    ("property", "PRP-C3", {"prepaid": "3600", "unused": "100", "days": "365"}, "986.30"),
    # Energy: half of the time since the last test; 6.5 % of 1,200 kWh at 0.5283 (PWR-1).
    ("power", "PWR-C1", {"energy": "1200", "error": "6.5", "price": "0.5283"}, "20.60"),
    ("power", "PWR-C2", {"charged": "388.20", "right": "194.10"}, "194.10"),
    ("power", "PWR-C3", {"price": "3000", "months": "6", "life": "electronic"}, "3000.00"),
    ("power", "PWR-C3", {"price": "3000", "months": "30", "life": "electronic"}, "2250.00"),
    ("power", "PWR-C3", {"price": "600", "months": "90", "life": "heating"}, "0.00"),
    ("power", "PWR-C4", {"average": "2.5", "hours": "4", "price": "0.6"}, "30.00"),
    ("power", "PWR-C4", {"average": "2.5", "hours": "0.5", "price": "0.6", "tariff": "single_part"}, "6.00"),
    ("power", "PWR-C5", {"energy": "100", "price": "0.6"}, "12.00"),
    # Short bags: 16 kg of 20, 400 bought, 400 a tonne (CEM-2).
    ("cement", "CEM-C1", {"sampled": "20", "short": "16", "bags": "400", "price": "400"}, "128.00"),
    ("cement", "CEM-C9", {"shipment": "52000"}, "520.00"),
    ("catering", "CAT-C2", {"price": "68"}, "68.00"),
    ("catering", "CAT-C5", {"bill": "288", "late": "45"}, "28.80"),
    ("catering", "CAT-C6", {"charged": "60"}, "60.00"),  # CAT-3
    ("ecommerce", "ECM-C3", {"price": "259", "freight": "12"}, "271.00"),
    ("ecommerce", "ECM-C4", {"price": "259"}, "259.00"),
    ("ecommerce", "ECM-C7", {"charged": "499", "right": "449"}, "50.00"),
    ("automotive", "AUT-C1", {"price": "168800"}, "168800.00"),
)  # fmt: skip


@pytest.mark.req("R-075")
@pytest.mark.req("R-079")
@pytest.mark.parametrize(("of", "code", "inputs", "amount"), BY_HAND)
def test_a_calculator_says_what_was_worked_by_hand(
    of: str, code: str, inputs: dict[str, str], amount: str
) -> None:
    found = counted(of, code, **inputs)

    assert str(found.amount) == amount
    rule = pack(of).remedy(code).calculator
    assert rule is not None
    assert found.floor == (found.amount if rule.statutory else None)
    for words in (found.steps_zh, found.steps_en):
        for each in inputs.values():
            assert each in words or each in {"electronic", "heating", "single_part"}
        assert words.endswith(said(Decimal(amount), "CNY")[0 if words == found.steps_zh else 1])


def test_every_calculator_of_the_packs_has_a_case_worked_by_hand() -> None:
    worked = {code for _, code, _, _ in BY_HAND}
    there = {one.code for name in PACKS for one in pack(name).remedies if one.calculator}
    assert there == worked


def test_the_calculation_reads_as_the_customer_is_told_it() -> None:
    found = counted("ecommerce", "ECM-C6", price="60")

    assert found.steps_zh == "3 × 价款 60（不低于500.00元） + 价款 60 = 560.00元"
    assert found.steps_en == "3 × Price 60 (at least CNY 500.00) + Price 60 = CNY 560.00"
    late = counted("automotive", "AUT-C3", days="12")
    assert late.steps_zh == "100 × 维修天数（自第6天起计） 12（计7） = 700.00元"


@pytest.mark.parametrize(
    ("of", "code", "inputs"),
    [
        ("ecommerce", "ECM-C5", {"price": "899", "received_on": "2026-03-02", "asked_on": "2026-03-10"}),
        ("power", "PWR-C1", {"energy": "1200", "error": "2", "price": "0.5"}),
        ("catering", "CAT-C5", {"bill": "288", "late": "30"}),
    ],
)  # fmt: skip
def test_outside_its_condition_a_rule_says_nothing_and_why(
    of: str, code: str, inputs: dict[str, str]
) -> None:
    found = counted(of, code, **inputs)

    assert (found.amount, found.floor) == (None, None)
    assert found.why_zh
    assert found.why_en


def test_what_is_lacking_is_named_and_taken_from_the_facts_of_the_case_where_it_stands_there() -> (
    None
):
    assert counted("catering", "CAT-C3").lacks == ("price",)
    rule = Remedy(
        code="x", name=TEXT, basis=TEXT, approvals=(Approval(role="handler"),),
        calculator=Calculator(inputs=(Input(id="price", name=TEXT, fact="amount"),), terms=(Summand(of=("price",)),)),
    )  # fmt: skip

    known = advise(rule, {}, {"amount": "12.5"}, currency="CNY")
    words = advise(rule, {}, {"amount": "大概十几块"}, currency="CNY")

    assert known is not None
    assert known.amount == Decimal("12.50")
    assert words is not None
    assert words.lacks == ("price",)


TEXT = Text(zh="价", en="price")


@pytest.mark.parametrize(
    ("code", "inputs", "field", "why"),
    [
        ("ECM-C6", {"price": "12.345"}, "inputs.price", "decimals"),
        ("ECM-C6", {"price": "-1"}, "inputs.price", "negative"),
        ("ECM-C6", {"price": "many"}, "inputs.price", "number"),
        ("ECM-C6", {"price": "NaN"}, "inputs.price", "number"),
        ("ECM-C6", {"price": "1e400"}, "inputs.price", "negative"),
        ("ECM-C6", {"cost": "1"}, "inputs.cost", "unknown"),
        ("ECM-C5", {"price": "1", "received_on": "soon", "asked_on": "2026-03-02"}, "inputs.received_on", "date"),
        ("ECM-C5", {"price": "1", "received_on": "2026-03-02", "asked_on": "2026-03-01"}, "inputs.asked_on", "order"),
    ],
)  # fmt: skip
def test_an_input_that_cannot_be_read_is_named(
    code: str, inputs: dict[str, str], field: str, why: str
) -> None:
    with pytest.raises(Invalid) as caught:
        counted("ecommerce", code, **inputs)

    [error] = caught.value.errors
    assert (error.field, error.code) == (field, why)
    assert error.zh


def test_nothing_is_divided_by_nothing() -> None:
    with pytest.raises(Invalid, match="more than 0"):
        counted("cement", "CEM-C1", sampled="0", short="1", bags="1", price="1")
    with pytest.raises(Invalid, match="at most"):
        counted("automotive", "AUT-C2", price="1", km="1", rate="0.6")
    with pytest.raises(Invalid, match="none of"):
        counted("power", "PWR-C3", price="1", months="1", life="cat")


CENTS = st.integers(min_value=0, max_value=10**9)


def money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


@given(CENTS)
def test_three_times_is_never_under_500_nor_ten_times_under_1000(cents: int) -> None:
    price = money(cents)

    three = counted("generic", "punitive_fraud", price=price).amount
    ten = counted("catering", "CAT-C3", price=price).amount

    assert three == max(Decimal(500), 3 * Decimal(price))
    assert ten == max(Decimal(1000), 10 * Decimal(price))


@given(CENTS, st.integers(0, 400), st.integers(0, 100))
def test_a_fee_offset_is_never_over_its_share_of_the_month(fee: int, days: int, share: int) -> None:
    found = counted("property", "PRP-C1", fee=money(fee), days=str(days), share=str(share))

    exact = Fraction(fee, 100) * days * share / 3000
    bound = Fraction(fee, 100) * 3 / 10
    assert found.amount == rounded(min(exact, bound), "CNY")
    assert found.ceiling == rounded(bound, "CNY")


@given(st.integers(0, 4000))
def test_late_days_count_from_the_sixth_and_more_days_never_make_less(days: int) -> None:
    found = counted("automotive", "AUT-C3", days=str(days)).amount
    next_ = counted("automotive", "AUT-C3", days=str(days + 1)).amount

    assert found == 100 * max(0, days - 5)
    assert next_ is not None
    assert next_ >= found


@given(st.integers(0, 10**7), st.integers(21, 1000), st.integers(0, 20_000))
def test_a_meter_correction_is_half_of_the_error_to_the_cent(
    energy: int, tenths: int, price: int
) -> None:
    error, per_kwh = f"{tenths // 10}.{tenths % 10}", f"{Decimal(price).scaleb(-4)}"

    found = counted("power", "PWR-C1", energy=str(energy), error=error, price=per_kwh)

    exact = Fraction(energy) * Fraction(tenths, 1000) * Fraction(price, 10_000) / 2
    assert found.amount is not None
    assert abs(Fraction(found.amount) - exact) <= Fraction(1, 200)


@given(st.integers(-(10**15), 10**15), st.sampled_from(["CNY", "USD", "JPY"]))
def test_money_goes_into_the_ledger_and_comes_back_the_same(amount: int, currency: str) -> None:
    assert minor(from_minor(amount, currency), currency) == amount


@given(st.fractions(min_value=-(10**9), max_value=10**9))
def test_rounding_is_never_off_by_more_than_half_a_cent(value: Fraction) -> None:
    assert abs(Fraction(rounded(value, "CNY")) - value) <= Fraction(1, 200)
