"""How long masking a long text takes: it is on the way of every complaint and message."""

import random
import time
from typing import Final

from bench.model import Measure, percentile
from bench.plan import Bench, Plan
from shared.masking import mask

LENGTH: Final = 2_000
TEXTS: Final = 300
P99_MS: Final = 5.0
_PIECES: Final = (
    "我叫王小明，住杭州市西湖区文三路478号3栋2单元501室，电话13812345678，电费多扣了两百块。",
    "尊敬的李经理：维修工刘建国把我家地板划坏了，至今没人处理，打了三次热线都是忙音。",
    "2026年11月22日买的冰箱，型号 BCD-520，至今没送到，金额 4,399.00 元，订单 SO-20260114-0093。",
    "车牌京A12345，车架号LSVAL41Z882104202，邮箱 wang@example.com，卡 6222 0200 0000 0000 000。",
    "水泥结块，批号 20261122-01，工地急用，请今天内给答复，否则向监管部门反映。",
    "Dear Mr Smith, the boiler at 12 Station Road, Leeds LS1 4AP has been off for nine days.",
    "I spoke to Sarah twice, she promised a call back on +44 20 7946 0958. Nobody called.",
    "The washing machine leaked again and the kitchen floor is ruined, please pay for it.",
)


def steps(plan: Plan) -> int:
    return plan.rounds


async def measure(bench: Bench) -> list[Measure]:
    """The slowest hundredth of texts of 2,000 characters, half of them Chinese, by one core's time."""
    draw = random.Random(7)  # noqa: S311 - repeatable, no secret
    texts = [_text(draw) for _ in range(TEXTS)]
    slow = []
    for at in range(bench.plan.rounds):
        bench.step(f"masking: round {at + 1}")
        slow.append(percentile([_seconds(text) for text in texts], 0.99) * 1000)
    return [
        Measure("masking_p99", f"The slowest hundredth of texts of {LENGTH:,} characters masked", "ms", "lower",
                tuple(slow), target=P99_MS),
    ]  # fmt: skip


def _text(draw: random.Random) -> str:
    text = ""
    while len(text) < LENGTH:
        text += draw.choice(_PIECES) + " "
    return text[:LENGTH]


def _seconds(text: str) -> float:
    begun = time.thread_time()
    mask(text)
    return time.thread_time() - begun
