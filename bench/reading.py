"""Understanding against a bare loop of cutting words and adding hashed weights, over the same texts."""

import random
import time
from collections.abc import Callable, Sequence
from typing import Final

from bench.floors import reading as floor
from bench.model import Measure, percentile
from bench.plan import Bench, Plan
from services.routing.policy.learnt import Learnt
from services.routing.policy.lessons import examples_of
from services.routing.policy.understand import understand
from services.routing.usecases.models import shipped
from shared.language import detect_language
from shared.packs.load import load_folder, shipped_folder
from shared.packs.model import Pack

GATE: Final = 0.3
P99_MS: Final = 8.0
LENGTH: Final = 200
PACK: Final = "power"


def steps(plan: Plan) -> int:
    return plan.rounds


async def measure(bench: Bench) -> list[Measure]:
    """Texts of 200 characters understood a second, on one core; and the slowest hundredth."""
    pack = load_folder(shipped_folder(), PACK)
    model = shipped(pack)
    if model is None:
        raise LookupError(f"{PACK} has no model that fits: run `make models`")
    texts = texts_of(pack, bench.plan.understood_texts)
    ours, bare, slow = [], [], []
    for at in range(bench.plan.rounds):
        bench.step(f"understanding: round {at + 1}")
        bare.append(_rate(texts, lambda text: floor.read(text, model.rows))[0])
        rate, slowest = _rate(texts, lambda text: _understand(text, pack, model))
        ours.append(rate)
        slow.append(slowest)
    return [
        Measure("understand", f"Texts of {LENGTH} characters understood, one core", "1/s", "higher",
                tuple(ours), tuple(bare), target=GATE, gate=True),
        Measure("understand_p99", "The slowest hundredth of them", "ms", "lower", tuple(slow), target=P99_MS),
    ]  # fmt: skip


def texts_of(pack: Pack, count: int) -> list[str]:
    """Texts of 200 characters, of what customers write, half of them Chinese."""
    draw = random.Random(7)  # noqa: S311 - repeatable, no secret
    by_language: dict[str, list[str]] = {"zh": [], "en": []}
    for one in examples_of(pack):
        by_language[detect_language(one.text)].append(one.text)
    found = []
    for at in range(count):
        said, text = by_language["zh" if at % 2 else "en"], ""
        while len(text) < LENGTH:
            text += draw.choice(said) + " "
        found.append(text[:LENGTH])
    return found


def _understand(text: str, pack: Pack, model: Learnt) -> None:
    understand(text=text, subject=None, fields={}, channel="web", pack=pack, language="zh", model=model)  # fmt: skip


def _rate(texts: Sequence[str], read: Callable[[str], object]) -> tuple[float, float]:
    """Texts a second of one core's time, whoever else is on the machine; and the slowest hundredth in
    milliseconds of the clock on the wall.
    """
    taken = []
    worked = time.process_time()
    for text in texts:
        begun = time.perf_counter()
        read(text)
        taken.append(time.perf_counter() - begun)
    return len(texts) / (time.process_time() - worked), percentile(taken, 0.99) * 1000
