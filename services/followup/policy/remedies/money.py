"""Money, exact: what may come in, and how it is said."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

from services.followup.policy.commands.order import wrong

PLACES: Final = {"JPY": 0, "KRW": 0}
USUAL_PLACES: Final = 2
MOST: Final = Decimal(10) ** 12
"""More than any remedy: what is larger was mistyped."""
FINEST: Final = -8


def places(currency: str) -> int:
    """How many decimals a currency has."""
    return PLACES.get(currency, USUAL_PLACES)


def rounded(value: Fraction, currency: str) -> Decimal:
    """An exact value as money: half a cent goes up."""
    scale = 10 ** places(currency)
    return (Decimal(0) if not value else _half_up(value * scale)).scaleb(-places(currency))


def _half_up(value: Fraction) -> Decimal:
    whole, rest = divmod(abs(value), 1)
    found = Decimal(whole + (1 if rest * 2 >= 1 else 0))
    return found if value >= 0 else -found


def is_too_fine(amount: Decimal, currency: str) -> bool:
    """Whether it has more decimals than the currency, zeros at its end not counted."""
    return amount.normalize().as_tuple().exponent < -places(currency)  # type: ignore[operator]


def minor(amount: Decimal, currency: str) -> int:
    """The amount in the currency's smallest unit, as the ledger keeps it."""
    return int(amount.scaleb(places(currency)))


def from_minor(amount: int, currency: str) -> Decimal:
    """What the ledger keeps, as an amount."""
    return Decimal(amount).scaleb(-places(currency))


def said(amount: Decimal, currency: str) -> tuple[str, str]:
    """The amount in words of either language."""
    exact = amount.quantize(Decimal(1).scaleb(-places(currency)), ROUND_HALF_UP)
    zh = f"{exact:,}元" if currency == "CNY" else f"{currency} {exact:,}"
    return zh, f"{currency} {exact:,}"


def checked(field: str, amount: Decimal, currency: str, *, wanted: str) -> Decimal:
    """An amount as it may be proposed. Raises Invalid that names the rule which it breaks."""
    if currency != wanted:
        raise wrong(
            f"{field}.currency", "currency", f"is {currency}: the pack's money is {wanted}",
            f"币种为 {currency}，策略包的币种是 {wanted}",
        )  # fmt: skip
    if not amount.is_finite() or amount <= 0:
        raise wrong(f"{field}.amount", "positive", "must be more than 0", "金额必须大于0")
    if amount >= MOST or is_too_fine(amount, currency):
        count = places(currency)
        raise wrong(
            f"{field}.amount", "decimals", f"must have at most {count} decimals, and be under {MOST:,f}",
            f"最多{count}位小数，且小于{MOST:,f}",
        )  # fmt: skip
    return amount.quantize(Decimal(1).scaleb(-places(currency)))
