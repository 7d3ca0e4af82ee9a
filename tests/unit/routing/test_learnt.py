"""What is learnt: repeatable, the same after a journey as data, honest about its likelihoods, never lowering safety."""

from __future__ import annotations

from functools import cache, lru_cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dev.models import shipped_packs
from services.routing.policy.calibrate import Judged, calibrated
from services.routing.policy.category import Ranked
from services.routing.policy.features import features, group, saying, words
from services.routing.policy.kind import KindFound
from services.routing.policy.learnt import Head, Learnt, NotAModel, dump, load
from services.routing.policy.lessons import Lesson, examples_of, fits, fits_all, learn
from services.routing.policy.severity import expected
from services.routing.policy.space import Alike
from services.routing.policy.train import Labelled, Question, train
from services.routing.policy.understand import understand
from services.routing.policy.weighing import Outlook
from services.routing.usecases.models import common, shipped
from shared.packs.load import load_folder, shipped_folder
from shared.packs.model import SEVERITIES, Example, Examples, Pack

METER = [
    "the meter runs fast",
    "my meter counts too much",
    "new meter, double the units",
    "电表走得快",
    "电表不准，走字太多",
    "换了电表，度数翻倍",
]
CLERK = [
    "the clerk shouted at me",
    "she shouted and laughed",
    "the man at the desk laughed at me",
    "营业员吼我",
    "柜台的人吼我还笑",
    "那个人对我吼",
]
LABELS = Question("label", ("clerk", "meter"))


def labelled() -> list[Labelled]:
    return [
        Labelled(text, {"label": frozenset((label,))})
        for label, texts in (("meter", METER), ("clerk", CLERK))
        for text in texts
    ]


def answer(model: Learnt, text: str) -> dict[str, float]:
    [head] = model.heads
    return head.probabilities(model.margins(features(text))["label"])


@pytest.fixture(scope="module")
def model() -> Learnt:
    return train(labelled(), questions=[LABELS], name="m")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("this meter is too fast", "meter"),
        ("they laughed at my mother", "clerk"),
        ("电表快得很", "meter"),
        ("前台吼我", "clerk"),
    ],
)
def test_a_text_that_was_not_learnt_is_labelled_by_what_it_shares_with_others(
    model: Learnt, text: str, label: str
) -> None:
    likely = answer(model, text)

    assert max(likely, key=likely.__getitem__) == label
    assert sum(likely.values()) == pytest.approx(1)


def test_the_same_texts_give_the_same_model_and_it_survives_being_data(model: Learnt) -> None:
    again = train(labelled(), questions=[LABELS], name="m")

    assert dump(again) == dump(model)
    assert load(dump(model)) == model


@pytest.mark.parametrize("data", [b"", b"no model", dump(Learnt("m", (), 1.0, {}, "x"))[:-9]])
def test_what_is_no_model_is_told_and_not_read(data: bytes) -> None:
    with pytest.raises(NotAModel):
        load(data)


@given(st.text(max_size=200))
@example("¹")
@example("ꀀ")
@example("0'A")
def test_any_text_has_features_that_lie_in_its_words_or_between_them(text: str) -> None:
    found = features(text)

    for start, end, parts in words(text):
        assert 0 <= start < end <= len(text)
        assert parts[0] in found


def test_a_text_without_a_known_feature_is_as_likely_as_labels_are_in_general(
    model: Learnt,
) -> None:
    likely = answer(model, "xyzzy")

    assert max(likely.values()) < 0.8


def test_margins_that_tell_nothing_make_no_likelihood_near_one() -> None:
    head = Head("label", ("a", "b"), (0.0, 0.0))
    noise = [Judged((0.5, -0.5), frozenset("a" if at % 2 else "b")) for at in range(40)]
    telling = [
        Judged((1.0, -1.0) if at % 2 else (-1.0, 1.0), frozenset("a" if at % 2 else "b"))
        for at in range(40)
    ]

    unsure = calibrated(head, noise).probabilities((0.5, -0.5))
    sure = calibrated(head, telling).probabilities((1.0, -1.0))

    assert unsure["a"] < 0.65
    assert sure["a"] > 0.95


@lru_cache(maxsize=1)
def small_pack() -> Pack:
    generic = load_folder(shipped_folder(), "generic")
    said = {
        "GEN-ATT": [Example(text=text) for text in CLERK],
        "GEN-FEE": [Example(text=text) for text in METER],
        "GEN-SAF": [
            Example(text=text, cues=("life_danger_now",))
            for text in (
                "墙里一股烧糊的味儿，插座烫手",
                "插座烫手，墙里糊味",
                "插头烧糊了，烫手",
                "the socket glows red",
                "red hot socket, the wall glows",
                "the plug glows and hums",
            )
        ],
    }
    examples = tuple(Examples(category=code, texts=tuple(texts)) for code, texts in said.items())
    return generic.model_copy(update={"examples": examples})


def test_danger_said_in_no_word_of_the_pack_is_at_least_high_and_listed() -> None:
    pack = small_pack()
    model = learn(pack)
    text = "插座又烫又有糊味"

    by_words = understand(
        text=text, subject=None, fields={}, channel="web", pack=pack, language="zh"
    )
    by_both = understand(
        text=text, subject=None, fields={}, channel="web", pack=pack, language="zh", model=model
    )

    assert by_words.cues == ()
    assert SEVERITIES.index(by_both.severity) >= SEVERITIES.index("high")
    assert by_both.cues or any(reason.code == "danger" for reason in by_both.reasons)


@given(
    st.sampled_from(METER + CLERK),
    st.sampled_from(["。正在冒烟", ". He is in hospital", "，孩子受伤了"]),
)
def test_what_was_learnt_never_lowers_what_the_words_say_of_danger(text: str, danger: str) -> None:
    pack = small_pack()
    model = pack.derived(learn)

    def severity(model: Learnt | None) -> int:
        found = understand(
            text=text + danger,
            subject=None,
            fields={},
            channel="web",
            pack=pack,
            language="zh",
            model=model,
        )
        return SEVERITIES.index(found.severity)

    assert severity(model) >= severity(None) >= SEVERITIES.index("high")


def test_a_thing_that_was_learnt_is_explained_by_words_of_the_text() -> None:
    pack = small_pack()
    text = "那个人对我妈吼来吼去"

    found = understand(
        text=text,
        subject=None,
        fields={},
        channel="web",
        pack=pack,
        language="zh",
        model=learn(pack),
    )

    assert found.category == "GEN-ATT"
    [*evidence] = found.categories[0].evidence
    assert evidence
    for one in evidence:
        assert one.by == "learnt"
        assert text[one.start : one.end] == one.word


def test_corrections_add_to_what_a_pack_teaches() -> None:
    pack = small_pack()
    taught = [Lesson(f"热水器漏水第{at}天", "complaint", "GEN-PRD", "normal") for at in range(8)]

    before, after = learn(pack), learn(pack, taught)

    assert before is not None
    assert after is not None
    assert before.name != after.name
    assert fits(before, pack)
    assert not fits(after, pack)
    found = understand(
        text="我家热水器又漏了",
        subject=None,
        fields={},
        channel="web",
        pack=pack,
        language="zh",
        model=after,
    )
    assert found.category == "GEN-PRD"


def test_what_is_learnt_of_a_word_is_learnt_of_those_that_say_the_same() -> None:
    alike = Alike({one: (group("rude"),) for one in saying(["吼"], ["shouted", "barked"])})
    plain = train(labelled(), questions=[LABELS], name="m")
    shared = train(labelled(), questions=[LABELS], name="m", alike=alike)

    assert answer(shared, "somebody barked")["clerk"] > answer(plain, "somebody barked")["clerk"]
    assert answer(shared, "barked")["clerk"] > 0.6


def test_learning_begins_where_a_common_model_stands() -> None:
    kinds = Question("kind", ("complaint", "inquiry"))
    asked = [
        Labelled(text, {"kind": frozenset((kind,))}, source=source)
        for source in ("a", "b")
        for kind, texts in (
            ("inquiry", ("how much is it", "how long does it take", "how do i get there")),
            ("complaint", ("sort this out", "sort it out now", "send somebody to sort it")),
        )
        for text in texts
    ]
    common = train(asked, questions=[kinds], name="common", most=500)

    model = train(labelled(), questions=[LABELS, kinds], name="m", begun_from=common)

    likely = model.head("kind")
    assert likely is not None
    found = likely.probabilities(model.margins(features("how much does it cost"))["kind"])
    assert found["inquiry"] > found["complaint"]
    assert model.begun_from == common.made_of


@cache
def generic() -> Pack:
    return load_folder(shipped_folder(), "generic")


@given(
    complaint=st.floats(0, 1),
    high=st.floats(0, 1),
    critical=st.floats(0, 1),
    category=st.sampled_from(["GEN-FEE", "GEN-SAF", "GEN-OTH"]),
)
def test_a_severity_outlook_is_a_likelihood_and_danger_only_makes_it_graver(
    complaint: float, high: float, critical: float, category: str
) -> None:
    pack = generic()
    kind = KindFound("complaint", 1.0, (), complaint=complaint)
    ranked = Ranked([], (), (), {category: 1.0})

    def outlook(critical: float) -> Outlook:
        return expected(pack, kind=kind, likely=ranked.likely, high=high, critical=critical)

    found, graver = outlook(critical), outlook(1.0)
    assert sum(found.values()) == pytest.approx(1)
    assert graver["critical"] == pytest.approx(1)
    assert graver["critical"] >= found["critical"]


@pytest.mark.parametrize(
    "pack_id",
    sorted(one.name for one in shipped_folder().iterdir() if (one / "examples.yaml").exists()),
)
def test_what_was_learnt_of_a_shipped_pack_fits_its_examples(pack_id: str) -> None:
    pack = load_folder(shipped_folder(), pack_id)

    assert len(examples_of(pack)) > 100
    assert shipped(pack) is not None, "run `make models`"


def test_the_common_model_fits_the_examples_and_every_shipped_model_began_there() -> None:
    basis, packs = common(), shipped_packs()

    assert basis is not None
    assert fits_all(basis, packs), "run `make models`"
    for pack in packs:
        model = shipped(pack)
        assert model is not None
        assert model.begun_from == basis.made_of, "run `make models`"
