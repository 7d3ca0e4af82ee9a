"""What the scenarios expect of remedies: who gets what by which rule, who approves it, and what was paid."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tests.journeys.scenarios import do

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.journeys.scenarios import Scenario, Step

LATER = "remedies: "


@dataclass(frozen=True)
class Made:
    """One remedy of a scenario: its rule, what it is counted from, and what comes of it.

    `approved`: a supervisor has to. `amount` None: it has none of its own. `refused`: the form not wanted first.
    """

    code: str
    reason: str
    amount: str | None = None
    approved: bool = True
    inputs: dict[str, str] = field(default_factory=dict)
    calculation: str | None = None
    form: str | None = None
    refused: str | None = None

    def steps(self) -> Iterator[Step]:
        """Offered, approved, answered, paid, confirmed."""
        said: dict[str, Any] = {"remedy": self.code, "reason": self.reason, "inputs": self.inputs}
        if self.calculation is not None:
            said |= {"calculation": self.calculation, "amount": {"amount": self.amount}}
        last = 2 if self.refused else 1
        if self.refused is not None:
            yield from self._offered("r1.1", said | {"form": self.refused})
            yield do(
                "answer_remedy",
                remedy="r1.1",
                accepted=False,
                channel="phone",
                reason="想要别的方式",
            )
            said |= {"instead_of": "r1.1"}
        id_ = f"r1.{last}"
        yield from self._offered(id_, said | ({"form": self.form} if self.form else {}))
        yield do("answer_remedy", remedy=id_, accepted=True, channel="phone")
        if self.amount is not None:
            yield do("pay_remedy", remedy=id_, by="an")
            yield do("confirm_payout", reference=f"{{number}}-{id_}-1", receipt="B-7781")

    def _offered(self, id_: str, said: dict[str, Any]) -> Iterator[Step]:
        yield do("offer_remedy", by="an", **said)
        if self.approved:
            yield do("decide_remedy", remedy=id_, approved=True, by="su")


MONEY: dict[str, Made] = {
    "PWR-1": Made("PWR-C1", "电表偏快", "20.60", inputs={"energy": "1200", "error": "6.5", "price": "0.5283"}),
    "PWR-2": Made("PWR-C6", "未通知即停电", "320.00", calculation="凭票据的实际损失：药品 320 元"),
    "PWR-4": Made("goodwill", "停电超时五个半小时", "100.00", calculation="半天营业的损失，酌情", refused="points"),
    "CEM-1": Made("CEM-C7", "非水泥原因，力争配合解决", approved=False),
    "CEM-2": Made("CEM-C1", "复秤每20袋短缺16公斤", "128.00", approved=False,
                  inputs={"sampled": "20", "short": "16", "bags": "400", "price": "400"}),
    "PRP-3": Made("PRP-C5", "被困电梯"),
    "PRP-4": Made("goodwill", "停水催费", "150.00", calculation="一天停水，酌情"),
    "CAT-1": Made("CAT-C1", "后厨失误", approved=False),
    "CAT-2": Made("CAT-C4", "食后不适", "800.00", calculation="凭发票垫付医药费"),
    "CAT-3": Made("CAT-C6", "茶位费、餐具费未明示", "60.00", inputs={"charged": "60"}),
    "ECM-1": Made("ECM-C1", "快递员未按时送达", "25.00", approved=False, inputs={"price": "300", "freight": "10"}),
    "ECM-2": Made("ECM-C9", "商品致伤", "5600.00", calculation="医疗费 1,600 元，沙发 4,000 元"),
    "ECM-3": Made("ECM-C5", "退货已收到，逾期未退款", "899.00", approved=False,
                  inputs={"price": "899", "received_on": "2026-02-24", "asked_on": "2026-02-27"}),
    "AUT-2": Made("AUT-C1", "60天内制动失灵"),
    "AUT-3": Made("AUT-C2", "同一故障修五次，累计38天"),
    "AUT-4": Made("AUT-C3", "等待配件12天", "700.00", inputs={"days": "12"}),
}  # fmt: skip
"""By scenario."""


def with_money(scenario: Scenario) -> Scenario:
    """The scenario with its remedy, made before the customer is told the result; nothing of it comes later any more."""
    made = MONEY.get(scenario.id)
    if made is None:
        return scenario
    at = next(place for place, step in enumerate(scenario.steps) if step[1] == "resolve")
    steps = (*scenario.steps[:at], *made.steps(), *scenario.steps[at:])
    later = tuple(one for one in scenario.later if not one.startswith(LATER))
    return replace(scenario, steps=steps, later=later)
