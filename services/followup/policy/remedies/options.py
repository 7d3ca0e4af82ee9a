"""What can be offered on a case, each with its cost, how likely it is accepted, its floor and basis; one recommended.

The balance (满意最大化与损失最小化, R-074): never under the floor; of what is likely accepted, what costs least.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from services.followup.policy.remedies.approving import Needed, is_free, needed, on_the_spot
from services.followup.policy.remedies.calculate import Advice, advise
from services.followup.policy.remedies.money import said
from shared.contracts.values import CaseRemedy
from shared.errors import Invalid
from shared.packs.model import Pack
from shared.packs.remedies import VALUED, Remedy


@dataclass(frozen=True, slots=True)
class Option:
    """One remedy of the pack as it stands on a case. `cost` None: not known until it is counted.

    `spot_limit`: up to what handlers settle it themselves, where `spot` says that they may at all (None: any amount).
    """

    remedy: Remedy
    is_own: bool
    """Made for the case's category, not for all."""
    advice: Advice | None
    cost: Decimal | None
    acceptance: float
    floor: Decimal | None
    spot: bool
    spot_limit: Decimal | None
    needs: Needed | None
    was_refused: bool
    recommended_zh: str = ""
    recommended_en: str = ""
    """Why it is the recommended one; empty for all others."""


def fits(remedy: Remedy, category: str | None) -> bool:
    """Whether the pack offers it for a category."""
    return not remedy.categories or category in remedy.categories


def options(
    pack: Pack, category: str | None, remedies: Iterable[CaseRemedy], known: Mapping[str, str], *, spent: Decimal
) -> Sequence[Option]:  # fmt: skip
    """What the pack offers for a category, its own remedies first, the recommended one marked."""
    refused = {(one.code, one.form) for one in remedies if one.state == "refused"}
    found = [
        _option(pack, one, known, spent, refused) for one in pack.remedies if fits(one, category)
    ]
    found.sort(key=lambda one: not one.is_own)
    return _marked(pack, found)


def _option(
    pack: Pack, remedy: Remedy, known: Mapping[str, str], spent: Decimal, refused: Collection[tuple[str, str]]
) -> Option:  # fmt: skip
    advice = advise(remedy, {}, known, currency=pack.compensation.currency)
    counted = advice.amount if advice else None
    is_valued = not VALUED.isdisjoint(remedy.forms)
    cost = counted if counted is not None else remedy.cost
    return Option(
        remedy=remedy,
        is_own=bool(remedy.categories),
        advice=advice,
        cost=cost,
        acceptance=remedy.acceptance,
        floor=max(filter(None, (advice.floor if advice else None, remedy.minimum)), default=None),
        spot=is_free(remedy) or on_the_spot(remedy) is not None,
        spot_limit=on_the_spot(remedy),
        needs=_needed(pack, remedy, counted if is_valued else None, spent),
        was_refused=all((remedy.code, form) in refused for form in remedy.forms),
    )


def _needed(pack: Pack, remedy: Remedy, amount: Decimal | None, spent: Decimal) -> Needed | None:
    try:
        return needed(pack, remedy, amount, spent=spent)
    except Invalid:
        return None  # counted so high that nobody may approve it


def _marked(pack: Pack, found: Sequence[Option]) -> Sequence[Option]:
    likely = [
        one
        for one in found
        if one.acceptance >= pack.compensation.likely and not one.was_refused and one.needs is not None
        and not (one.advice and one.advice.why_en)
    ]  # fmt: skip
    pool = [one for one in likely if one.is_own] or likely
    if not pool:
        return found
    best = min(pool, key=lambda one: (one.cost is None, one.cost or Decimal(0), -one.acceptance))
    zh, en = _why(best, len(pool), pack.compensation.currency)
    return [
        replace(one, recommended_zh=zh, recommended_en=en) if one is best else one for one in found
    ]


def _why(best: Option, among: int, currency: str) -> tuple[str, str]:
    share = f"{best.acceptance:.0%}"
    if best.cost is None:
        cost = ("费用待计算", "its cost is still to be counted")
    else:
        zh, en = said(best.cost, currency)
        cost = (f"费用{zh}", f"cost {en}")
    own_zh = "本类问题的补救" if best.is_own else "通用补救"
    own_en = "made for this kind of matter" if best.is_own else "for any matter"
    return (
        f"{own_zh}；客户可能接受（{share}）；在{among}种可能被接受的方案中最省；{cost[0]}",
        f"{own_en}; likely accepted ({share}); the least costly of {among} that are; {cost[1]}",
    )
