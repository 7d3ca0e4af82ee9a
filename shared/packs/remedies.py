"""What a customer can get: who must agree to it, in which forms, and how it is counted.

A calculator is data: inputs, terms that are added (or the highest of them), bounds and conditions. Amounts are in the
pack's currency. What it says is advice; `statutory` makes its result the floor that no proposal may be under.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from shared.packs.words import Code, Part, TermText, Text

Form = Literal["money", "voucher", "points", "gift", "service"]
"""`service` is all that has no amount of its own: a repair, an apology, a new dish."""
Quantity = Literal["money", "number", "percent", "date", "choice"]
VALUED: Final[frozenset[Form]] = frozenset({"money", "voucher", "points", "gift"})


def _checked_ratio(text: str) -> str:
    try:
        Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError("a number such as 3, 0.5, -1 or 1/30 is wanted") from None
    return text


Ratio = Annotated[str, AfterValidator(_checked_ratio)]


class Approval(Part):
    """A role that may approve up to an amount (in the pack's currency); no amount: whatever it costs."""

    role: Code
    up_to: Decimal | None = Field(default=None, ge=0)


class Choice(Part):
    """One of the answers to an input, and the number that it stands for."""

    name: Text
    value: Ratio


class Input(Part):
    """What a calculator asks for. A `percent` counts by the hundredth; a number counts `beyond` so many only, nothing
    up to `none_up_to`, and `at_least` so many. `most` is the highest that is accepted. `fact`: the fact of the case
    that it is taken from where nobody gives it.
    """

    id: Code
    name: Text
    kind: Quantity = "number"
    beyond: Decimal | None = None
    none_up_to: Decimal | None = None
    at_least: Decimal | None = None
    most: Decimal | None = None
    default: str | None = None
    choices: Mapping[Code, Choice] = Field(default_factory=dict)
    fact: Code | None = None


class Summand(Part):
    """`times` × each input of `of`, divided by each input of `per`."""

    times: Ratio = "1"
    of: tuple[Code, ...] = ()
    per: tuple[Code, ...] = ()


class Within(Part):
    """It only applies where `until` is at most so many days after `since`, the day itself not counted."""

    since: Code
    until: Code
    days: int = Field(ge=0)


class Above(Part):
    """It only applies where the input is more than that."""

    input: Code
    value: Decimal


class Calculator(Part):
    """How an amount is counted: the terms together, or the highest of them; kept between `least` and `most` (or
    `most_of`, a share); then `plus`.

    `statutory`: nothing under the result may be proposed. A bound above (`most`, `most_of`) is never exceeded either.
    """

    inputs: tuple[Input, ...] = Field(min_length=1)
    terms: tuple[Summand, ...] = ()
    highest: bool = False
    least: Decimal | None = None
    most: Decimal | None = None
    most_of: Summand | None = None
    plus: tuple[Summand, ...] = ()
    statutory: bool = False
    within: Within | None = None
    above: Above | None = None

    @model_validator(mode="after")
    def _names_its_inputs(self) -> Self:
        known = {one.id: one.kind for one in self.inputs}
        for name, is_date in self._named():
            if name not in known:
                raise ValueError(f"it has no input {name!r}")
            if is_date != (known[name] == "date"):
                raise ValueError(f"{name!r} is a date where a number is wanted, or the other way")
        if not (self.terms or self.plus):
            raise ValueError("it counts nothing: give it `terms` or `plus`")
        return self

    def _named(self) -> Iterator[tuple[str, bool]]:
        """The inputs that it speaks of, and whether a date is meant."""
        for one in (*self.terms, *self.plus, *((self.most_of,) if self.most_of else ())):
            yield from ((name, False) for name in (*one.of, *one.per))
        if self.above is not None:
            yield self.above.input, False
        if self.within is not None:
            yield from ((self.within.since, True), (self.within.until, True))


class Remedy(Part):
    """What the customer can get, and who must agree.

    `when` says in which case it is offered, `amount` how it is counted. Empty `categories`: all. Up to the handler's
    limit it is settled on the spot. `acceptance`: how likely customers are content with it (0 to 1); `cost`: what it
    costs the company where nothing is counted. `forms`: what it may be given as, the usual one first.
    """

    code: Code
    name: Text
    when: Text | None = None
    categories: tuple[Code, ...] = ()
    amount: Text | None = None
    approvals: tuple[Approval, ...]
    basis: Text
    minimum: Decimal | None = None
    forms: tuple[Form, ...] = Field(default=("service",), min_length=1)
    calculator: Calculator | None = None
    acceptance: float = Field(default=0.5, ge=0, le=1)
    cost: Decimal | None = Field(default=None, ge=0)
    source: str = "D"
    verify: bool = False


class Compensation(Part):
    """How the pack handles money: in which currency, how much a unit may spend in a calendar month without the company
    (None: any), and how long a proposal waits for its approval, and an approved one for the customer and the payment.

    `likely`: from which `acceptance` on customers count as likely to accept.
    """

    currency: str = Field(default="CNY", pattern=r"^[A-Z]{3}$")
    monthly_budget: Decimal | None = Field(default=None, ge=0)
    calendar: Code = "standard"
    approve_within: TermText = "3wd"
    use_within: TermText = "30d"
    likely: float = Field(default=0.6, ge=0, le=1)
