"""Who must agree to a remedy: by its amount and the pack's limits, by the month's budget, and never its proposer."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.followup.policy.commands.order import wrong
from services.followup.policy.remedies.money import said
from shared.contracts.values import ApproverRank
from shared.errors import Forbidden
from shared.packs.model import Pack
from shared.packs.remedies import Remedy

RANKS: Final[tuple[ApproverRank, ...]] = ("handler", "supervisor", "department_head", "company")
RANK_ZH: Final = {
    "handler": "处理人", "supervisor": "主管", "department_head": "部门负责人", "company": "公司",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Needed:
    """Who has to approve: `rank` None where the field settles it on the spot."""

    rank: ApproverRank | None
    over_budget: bool = False


def rank_of(role: str) -> ApproverRank:
    """The rank of a role that a pack names; one that is not known here is the company's."""
    return next((one for one in RANKS if one == role), "company")


def on_the_spot(remedy: Remedy) -> Decimal | None:
    """Up to what handlers settle it on the spot; None where they may not, or whatever it costs (`is_free`)."""
    return next((one.up_to for one in remedy.approvals if rank_of(one.role) == "handler"), None)


def is_free(remedy: Remedy) -> bool:
    """Whether handlers settle it on the spot whatever it costs."""
    return any(rank_of(one.role) == "handler" and one.up_to is None for one in remedy.approvals)


def needed(pack: Pack, remedy: Remedy, amount: Decimal | None, *, spent: Decimal) -> Needed:
    """Who has to approve an amount of a remedy. Raises Invalid where it is over every limit of the rule."""
    role = next(
        (one.role for one in remedy.approvals if amount is None or one.up_to is None or amount <= one.up_to), None
    )  # fmt: skip
    if role is None:
        currency = pack.compensation.currency
        most_zh, most_en = said(max(one.up_to or Decimal(0) for one in remedy.approvals), currency)
        raise wrong(
            "amount.amount", "over_limit", f"is over the limit of {remedy.code}: at most {most_en}, by nobody more",
            f"超过{remedy.code}的最高限额{most_zh}",
        )  # fmt: skip
    rank = rank_of(role)
    budget = pack.compensation.monthly_budget
    if amount is not None and budget is not None and spent + amount > budget:
        return Needed("company", over_budget=True)
    return Needed(None if rank == "handler" else rank)


def must_approve(
    needs: ApproverRank | None, *, proposed_by: str, by: str, rank: ApproverRank
) -> None:
    """Raise Forbidden for the proposer themselves, and for whose limit it is over."""
    if proposed_by == by:
        raise Forbidden(
            "You proposed it: somebody else has to approve it.", zh="补救由您提出，须由他人审批。"
        )
    if needs is not None and RANKS.index(rank) < RANKS.index(needs):
        raise Forbidden(
            f"It is over your limit: {needs} has to approve it, you are {rank}.",
            zh=f"超出您的审批权限，须由{RANK_ZH[needs]}审批。",
        )


def must_be_within(
    remedy: Remedy, amount: Decimal, floors: Sequence[Decimal | None], ceiling: Decimal | None, currency: str
) -> None:  # fmt: skip
    """Raise Invalid for an amount under what the law or the rule asks at least, or over what it allows at most."""
    floor = max((one for one in floors if one is not None), default=None)
    if floor is not None and amount < floor:
        zh, en = said(floor, currency)
        raise wrong(
            "amount.amount", "under_floor", f"is under what {remedy.code} asks at least: {en} ({remedy.basis.en})",
            f"低于{remedy.code}的最低金额{zh}（{remedy.basis.zh}）",
        )  # fmt: skip
    if ceiling is not None and amount > ceiling:
        zh, en = said(ceiling, currency)
        raise wrong(
            "amount.amount", "over_limit", f"is over what {remedy.code} allows: {en} ({remedy.basis.en})",
            f"超过{remedy.code}的上限{zh}（{remedy.basis.zh}）",
        )  # fmt: skip
