"""What a pack's calculator makes of its inputs: exact until the end, with every step in words. Advice, no more."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Final

from services.followup.policy.commands.order import wrong
from services.followup.policy.remedies.money import FINEST, MOST, is_too_fine, rounded, said
from shared.errors import Invalid
from shared.packs.remedies import Calculator, Input, Remedy, Summand

HUNDRED: Final = 100
MINUS: Final = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Advice:
    """What the rule says: `amount` None where it does not apply (`why_zh`, `why_en`) or inputs are lacking.

    No proposal may be under `floor` nor over `ceiling`. The steps are told to the customer as they stand here.
    """

    amount: Decimal | None = None
    floor: Decimal | None = None
    ceiling: Decimal | None = None
    steps_zh: str = ""
    steps_en: str = ""
    lacks: tuple[str, ...] = ()
    why_zh: str = ""
    why_en: str = ""


@dataclass(frozen=True, slots=True)
class _Given:
    """One input as it was given, and what it counts as. A date counts as its day's number."""

    about: Input
    text: str
    raw: Fraction
    counted: Fraction

    def say(self, language: str) -> str:
        """Its name and value, and what of it counts where that is not all."""
        sign = "%" if self.about.kind == "percent" else ""
        name = self.about.name.say(language)
        if self.about.kind == "choice":
            return f"{name} {self.about.choices[self.text].name.say(language)}"
        full = self.raw if self.about.kind != "percent" else self.raw / HUNDRED
        if full == self.counted:
            return f"{name} {self.text}{sign}"
        counted = f"{float(self.counted):g}"
        return f"{name} {self.text}（计{counted}）" if language == "zh" else f"{name} {self.text} (counts {counted})"  # fmt: skip


def advise(
    remedy: Remedy, inputs: Mapping[str, str], known: Mapping[str, str], *, currency: str
) -> Advice | None:
    """What the remedy's calculator says; None where it has none. Raises Invalid for an input that cannot be read.

    `known`: the facts of the case, from which inputs are taken that nobody gives, where they can be read.
    """
    calculator = remedy.calculator
    if calculator is None:
        return None
    unknown = inputs.keys() - {one.id for one in calculator.inputs}
    if unknown:
        names = ", ".join(one.id for one in calculator.inputs)
        raise wrong(f"inputs.{min(unknown)}", "unknown", f"is none of {names}", "没有该计算项")
    given: dict[str, _Given] = {}
    for one in calculator.inputs:
        found = _given(one, inputs, known, currency)
        if found is not None:
            given[one.id] = found
    lacks = tuple(one.id for one in calculator.inputs if one.id not in given)
    return Advice(lacks=lacks) if lacks else _advice(calculator, given, currency)


def _given(
    one: Input, inputs: Mapping[str, str], known: Mapping[str, str], currency: str
) -> _Given | None:
    if one.id in inputs:
        return _read(one, inputs[one.id].strip(), currency)
    if one.fact is not None and one.fact in known:
        try:
            return _read(one, known[one.fact].strip(), currency)
        except Invalid:
            pass  # words that are no number: a person gives it
    return _read(one, one.default, currency) if one.default is not None else None


def _read(one: Input, text: str, currency: str) -> _Given:
    field = f"inputs.{one.id}"
    match one.kind:
        case "date":
            try:
                day = Fraction(date.fromisoformat(text).toordinal())
            except ValueError:
                raise wrong(
                    field, "date", "must be a date such as 2026-03-02", "应为日期，如2026-03-02"
                ) from None
            return _Given(one, text, day, day)
        case "choice":
            if text not in one.choices:
                raise wrong(field, "choice", f"is none of {', '.join(one.choices)}", "不在可选项中")
            value = Fraction(one.choices[text].value)
            return _Given(one, text, value, value)
        case "money" | "number" | "percent":
            number = _number(field, text)
            if one.kind == "money" and is_too_fine(number, currency):
                raise wrong(field, "decimals", "has too many decimals for money", "金额小数位过多")
            if one.most is not None and number > one.most:
                raise wrong(field, "most", f"must be at most {one.most}", f"不能超过{one.most}")
            return _Given(one, text, Fraction(number), _counted(one, Fraction(number)))


def _number(field: str, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise wrong(field, "number", "must be a number such as 12.5", "应为数字，如12.5") from None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < FINEST:
        raise wrong(
            field, "number", "must be a number with at most 8 decimals", "应为数字，最多8位小数"
        )
    if not 0 <= number < MOST:
        raise wrong(
            field, "negative", f"must be from 0, under {MOST:,f}", f"应为0以上、{MOST:,f}以下"
        )
    return number


def _counted(one: Input, raw: Fraction) -> Fraction:
    if one.kind == "percent":
        return raw / HUNDRED
    counted = raw
    if one.none_up_to is not None and raw <= Fraction(one.none_up_to):
        counted = Fraction(0)
    if one.beyond is not None:
        counted = max(Fraction(0), raw - Fraction(one.beyond))
    if one.at_least is not None:
        counted = max(counted, Fraction(one.at_least))
    return counted


def _advice(calculator: Calculator, given: Mapping[str, _Given], currency: str) -> Advice:
    if why := _outside(calculator, given):
        return Advice(why_zh=why[0], why_en=why[1])
    values = [_value(one, given) for one in calculator.terms]
    core = max(values) if calculator.highest and values else sum(values, Fraction(0))
    most = _most(calculator, given)
    bounded = core if most is None else min(core, most)
    if calculator.least is not None:
        bounded = max(bounded, Fraction(calculator.least))
    more = sum((_value(one, given) for one in calculator.plus), Fraction(0))
    amount = rounded(bounded + more, currency)
    floor = amount if calculator.statutory else None
    ceiling = None
    if most is not None:
        ceiling = rounded(max(most, Fraction(calculator.least or 0)) + more, currency)
    zh, en = (
        _steps(calculator, given, most, language, amount, currency) for language in ("zh", "en")
    )
    return Advice(amount, floor, ceiling, zh, en)


def _outside(calculator: Calculator, given: Mapping[str, _Given]) -> tuple[str, str] | None:
    """Why it does not apply; None where it does."""
    if (within := calculator.within) is not None:
        since, until = given[within.since], given[within.until]
        passed = timedelta(days=int(until.raw - since.raw)).days
        if passed < 0:
            raise wrong(
                f"inputs.{within.until}", "order", f"is before {within.since}", "早于起算日期"
            )
        if passed > within.days:
            return (
                f"已过{passed}天，超过{within.days}天",
                f"{passed} days have passed, more than {within.days}",
            )
    if (above := calculator.above) is not None and given[above.input].raw <= Fraction(above.value):
        name = given[above.input].about.name
        return f"{name.zh}不超过{above.value}", f"{name.en} is not more than {above.value}"
    return None


def _value(one: Summand, given: Mapping[str, _Given]) -> Fraction:
    found = Fraction(one.times)
    for name in one.of:
        found *= given[name].counted
    for name in one.per:
        if not given[name].counted:
            raise wrong(f"inputs.{name}", "positive", "must be more than 0", "必须大于0")
        found /= given[name].counted
    return found


def _most(calculator: Calculator, given: Mapping[str, _Given]) -> Fraction | None:
    bounds = [Fraction(calculator.most)] if calculator.most is not None else []
    if calculator.most_of is not None:
        bounds.append(_value(calculator.most_of, given))
    return min(bounds, default=None)


def _steps(
    calculator: Calculator, given: Mapping[str, _Given], most: Fraction | None, language: str, amount: Decimal,
    currency: str,
) -> str:  # fmt: skip
    """The calculation in words: the terms, their bounds, what is added, and what comes out."""
    is_zh = language == "zh"
    at = 0 if is_zh else 1
    if calculator.highest:
        each = "；".join if is_zh else "; ".join
        told = each(_term(one, given, language) for one in calculator.terms)
        core = f"取较高者（{told}）" if is_zh else f"the higher of ({told})"
    else:
        core = _sum(calculator.terms, given, language)
    bounds = []
    if calculator.least is not None:
        bounds.append(("不低于" if is_zh else "at least ") + said(calculator.least, currency)[at])
    if most is not None:
        bounds.append(
            ("不超过" if is_zh else "at most ") + said(rounded(most, currency), currency)[at]
        )
    if bounds:
        core += f"（{'，'.join(bounds)}）" if is_zh else f" ({', '.join(bounds)})"
    parts = [one for one in (core, _sum(calculator.plus, given, language)) if one]
    sum_ = f"{' + '.join(parts)} = {said(amount, currency)[at]}"
    return ("；" if is_zh else "; ").join([*_conditions(calculator, given, language), sum_])


def _conditions(calculator: Calculator, given: Mapping[str, _Given], language: str) -> list[str]:
    """The inputs that nothing is counted with: they tell why the rule applies."""
    used = {name for one in (*calculator.terms, *calculator.plus) for name in (*one.of, *one.per)}
    return [one.say(language) for name, one in given.items() if name not in used]


def _sum(terms: tuple[Summand, ...], given: Mapping[str, _Given], language: str) -> str:
    found = ""
    for one in terms:
        is_less = one.times.startswith("-")
        sign = f" {MINUS} " if is_less else " + "
        found += (sign if found else MINUS if is_less else "") + _term(one, given, language)
    return found


def _term(one: Summand, given: Mapping[str, _Given], language: str) -> str:
    times = one.times.removeprefix("-")
    factors = [given[name].say(language) for name in one.of]
    found = " × ".join([times, *factors] if times != "1" or not factors else factors)
    return "".join([found, *(f" ÷ {given[name].say(language)}" for name in one.per)])
