"""The texts kept aside: whole, fairly spread, and labelled by the rules of the packs there are."""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain, product

import pytest

from shared.packs.load import load_folder, read_chain, shipped_folder
from shared.packs.model import Pack
from tests.aside.texts import LANGUAGES, PACKS, PAGE, Labelled, page, texts_of

LEAST_A_CATEGORY_AND_LANGUAGE = 4
WEIGH_BY_THE_FACTS = {
    "child_pregnant_elderly",
    "dog_bite",
    "fraud_followed",
    "scald",
    "sharp_object",
}
LOWERED_BY_A_NAMED_RULE = {"PWR-SAF", "ECM-SAF", "AUT-BRK"}
HAN = re.compile("[\u4e00-\u9fff]")
PHONE = re.compile(r"1[3-9]\d{9}")


def pack_of(name: str) -> Pack:
    """Return the shipped pack; skip the test while there is none."""
    if not (shipped_folder() / name / "pack.yaml").is_file():
        pytest.skip(f"no pack {name} yet")
    return load_folder(shipped_folder(), name)


def own_categories(name: str) -> set[str]:
    """Return the codes that the pack says itself, without those it inherits."""
    chain_of_packs = [
        load_folder(shipped_folder(), each.head.id) for each in read_chain(shipped_folder(), name)
    ]
    inherited = {code.code for each in chain_of_packs[:-1] for code in each.taxonomy}
    return {code.code for code in chain_of_packs[-1].taxonomy} - inherited


def severities_by_the_rules(labelled: Labelled, pack: Pack) -> set[str]:
    """Return the severities that kind, category and cues allow: one, but where facts decide."""
    effects = [cue.effect for cue in pack.cues if cue.id in labelled.cues]
    complaint = labelled.kind == "complaint"
    base = pack.category(labelled.category).base_severity if complaint else "low"
    if "critical" in effects or effects.count("high") >= pack.thresholds.high_cues_make_critical:
        return {"critical"}
    if base == "critical":
        return (
            {"critical", "high"} if labelled.category in LOWERED_BY_A_NAMED_RULE else {"critical"}
        )
    by_rule = "high" if effects else base
    return {by_rule, "critical"} if WEIGH_BY_THE_FACTS & set(labelled.cues) else {by_rule}


@pytest.mark.parametrize("name", PACKS)
def test_a_text_is_in_its_packs_file_and_written_in_its_language(name: str) -> None:
    texts = texts_of(name)

    assert [each for each in texts if each.pack != name] == []
    assert [each for each in texts if bool(HAN.search(each.text)) != (each.language == "zh")] == []
    assert [each for each in texts if each.text != each.text.strip() or len(each.text) < 8] == []


def test_no_text_is_there_twice() -> None:
    every = chain.from_iterable(texts_of(name) for name in PACKS)

    counts = Counter(re.sub(r"\W", "", each.text).lower() for each in every)

    assert [text for text, count in counts.items() if count > 1] == []


def test_no_text_holds_a_phone_number_that_could_be_somebodys() -> None:
    every = chain.from_iterable(texts_of(name) for name in PACKS)

    numbers = chain.from_iterable(PHONE.findall(each.text) for each in every)

    assert [number for number in numbers if not number.startswith("138001380")] == []


@pytest.mark.parametrize("name", PACKS)
def test_every_category_has_enough_texts_in_each_language(name: str) -> None:
    texts = texts_of(name)

    counts = Counter((each.category, each.language) for each in texts)

    pairs = product({each.category for each in texts}, LANGUAGES)
    assert [pair for pair in pairs if counts[pair] < LEAST_A_CATEGORY_AND_LANGUAGE] == []


@pytest.mark.parametrize("name", PACKS)
def test_kinds_and_severities_are_spread_as_in_life(name: str) -> None:
    texts = texts_of(name)

    kinds = Counter(each.kind for each in texts)
    severities = Counter(each.severity for each in texts)

    assert 0.6 < kinds["complaint"] / len(texts) < 0.8
    assert min(kinds[kind] for kind in ("inquiry", "grumble", "praise", "suggestion")) >= 10
    assert 0.08 < severities["critical"] / len(texts) < 0.16
    assert 0.18 < severities["high"] / len(texts) < 0.32


@pytest.mark.parametrize("name", PACKS)
def test_the_texts_are_about_each_category_that_the_pack_says_itself(name: str) -> None:
    pack_of(name)

    labelled = {each.category for each in texts_of(name)}

    assert labelled == own_categories(name)


@pytest.mark.parametrize("name", PACKS)
def test_every_cue_is_one_of_the_packs(name: str) -> None:
    known = {cue.id for cue in pack_of(name).cues}

    named = {cue for each in texts_of(name) for cue in each.cues}

    assert named - known == set()


@pytest.mark.parametrize("name", PACKS)
def test_severity_follows_from_kind_category_and_cues(name: str) -> None:
    pack = pack_of(name)

    wrong = [
        each for each in texts_of(name) if each.severity not in severities_by_the_rules(each, pack)
    ]

    assert wrong == []


def test_the_page_counts_the_texts_as_they_are() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m tests.aside.texts`"
