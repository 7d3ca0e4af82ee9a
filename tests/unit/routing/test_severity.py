"""How bad a text is, out of everything that speaks for it: weighed signs, people, and sums of money."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.routing.model import CueHit, Understanding
from services.routing.policy.amounts import amounts
from services.routing.policy.understand import understand
from services.routing.policy.weighing import Outlook, weighed
from services.routing.usecases.models import shipped
from shared.packs.load import load_folder, shipped_folder
from shared.packs.model import SEVERITIES, Pack, Severity

DANGER = CueHit("life_danger_now", "critical", ())
REPEAT = CueHit("repeat", "high", ())
CHILD = CueHit("minor_child", "high", ())
shares = st.floats(0, 1)


@st.composite
def outlooks(draw: st.DrawFn) -> Outlook:
    """Any likelihoods of the four severities."""
    cuts = [0.0, *sorted(draw(st.tuples(shares, shares, shares))), 1.0]
    parts = [after - before for before, after in pairwise(cuts)]
    return dict(zip(SEVERITIES, parts, strict=True))


@given(outlook=outlooks(), high=shares, critical=shares)
def test_a_weighed_outlook_is_a_likelihood_and_a_graver_cue_makes_it_graver(
    outlook: Outlook, high: float, critical: float
) -> None:
    def at_least(severity: Severity, *cues: CueHit) -> float:
        found = weighed(outlook, high=high, critical=critical, cues=cues)
        assert sum(found.values()) == pytest.approx(1)
        return sum(found[one] for one in SEVERITIES[SEVERITIES.index(severity) :])

    assert at_least("critical", DANGER) >= at_least("critical", REPEAT)
    assert at_least("critical", DANGER) >= at_least("critical")
    assert at_least("high", REPEAT) >= at_least("high")


@cache
def pack_of(name: str) -> Pack:
    return load_folder(shipped_folder(), name)


def read(text: str, name: str) -> Understanding:
    pack = pack_of(name)
    return understand(
        text=text, subject=None, fields={}, channel="web", pack=pack, language="zh",
        model=pack.derived(shipped),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "touched", "mentioned"),
    [
        (
            "property",
            "滑梯边上全是毛刺，孩子的手被划破了",
            "孩子很喜欢元宵节的灯谜，谢谢",
        ),
        (
            "catering",
            "儿童椅的带子断了，孩子摔下来磕破了嘴",
            "孩子平时不吃青菜，今天吃了半盘上汤娃娃菜，好吃",
        ),
    ],
)
def test_a_child_who_is_merely_mentioned_makes_nothing_worse(
    name: str, touched: str, mentioned: str
) -> None:
    grave, calm = read(touched, name), read(mentioned, name)

    assert "minor_child" in {cue.id for cue in grave.cues}
    assert "minor_child" not in {cue.id for cue in calm.cues}
    assert (grave.severity in {"high", "critical"}, calm.severity) == (True, "low")


@pytest.mark.parametrize(
    ("text", "sums"),
    [
        ("多收了我四千三百块", [4_300]),
        ("被骗走两万三，一共三万块", [23_000, 30_000]),
        ("动用了三十八万都没告诉业主", [380_000]),
        ("收了一百零五块和8.5元", [105, Decimal("8.5")]),
        ("万一出事怎么办，千万别拖，跑了五万公里，来了十万人", []),
        ("I lost five thousand pounds, four grand of it last week", [5_000, 4_000]),
        ("they took 5 grand and £2,300.50", [5_000, Decimal("2300.50")]),
        ("a grand piano, two thousand miles away", []),
    ],
)
def test_a_sum_in_words_counts_as_one_in_figures(text: str, sums: list[Decimal | int]) -> None:
    assert sorted(sum_ for _, sum_ in amounts(text)) == sorted(sums)
