"""What holds for every industry's pack: whole, bilingual, its own categories, honest sources."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
import yaml

from services.routing.policy.understand import understand
from services.routing.usecases.models import shipped
from shared.packs.letters import write_letter
from shared.packs.load import load_folder, read_chain, shipped_folder
from shared.packs.model import SEVERITIES, Pack, Template
from shared.packs.wire import chain_to_wire, resolve
from tests.unit.packs.industry import is_chinese, pack_of

if TYPE_CHECKING:
    from collections.abc import Iterable

INDUSTRIES = {"power": "PWR-", "cement": "CEM-", "property": "PRP-"}
KEPT = {"GEN-PRV", "GEN-DSC"}
"""General categories that no industry has a narrower one for."""
EXAMPLES = 12
"""The least of a category in each language."""

each_pack = pytest.mark.parametrize("name", INDUSTRIES)


def own(pack: Pack, prefix: str) -> list[str]:
    return [category.code for category in pack.taxonomy if category.code.startswith(prefix)]


def own_templates(name: str) -> list[Template]:
    """Those that the pack writes itself: the inherited ones have a test of their own."""
    inherited = {template.id for template in load_folder(shipped_folder(), "generic").templates}
    return [template for template in pack_of(name).templates if template.id not in inherited]


@each_pack
def test_the_pack_has_its_own_categories_and_of_the_general_ones_only_what_it_has_none_for(
    name: str,
) -> None:
    codes = {category.code for category in pack_of(name).taxonomy}

    assert codes == KEPT | set(own(pack_of(name), INDUSTRIES[name]))
    assert sum(category.general for category in pack_of(name).taxonomy) == 1


@each_pack
@pytest.mark.req("R-034")
def test_every_category_has_words_in_both_languages_and_facts_to_ask_for(name: str) -> None:
    for category in pack_of(name).taxonomy:
        assert len(category.keywords.zh) >= 8, category.code
        assert len(category.keywords.en) >= 8, category.code
        assert category.facts, category.code


@each_pack
def test_every_category_has_examples_in_both_languages(name: str) -> None:
    examples = {group.category: group.texts for group in pack_of(name).examples}

    for code in own(pack_of(name), INDUSTRIES[name]):
        languages = Counter(is_chinese(one.text) for one in examples[code])
        assert languages[True] >= EXAMPLES, code
        assert languages[False] >= EXAMPLES, code


@each_pack
def test_about_a_quarter_of_the_examples_are_no_complaints(name: str) -> None:
    kinds = Counter(one.kind for group in pack_of(name).examples for one in group.texts)

    assert 0.2 <= 1 - kinds["complaint"] / kinds.total() <= 0.4
    assert set(kinds) == {"complaint", "suggestion", "grumble", "inquiry", "praise"}


@pytest.mark.parametrize(
    "name", sorted(one.parent.name for one in shipped_folder().glob("*/pack.yaml"))
)
def test_no_example_of_danger_is_understood_as_less_than_high(name: str) -> None:
    pack = pack_of(name)
    critical = {cue.id for cue in pack.cues if cue.effect == "critical"}
    texts = [one for group in pack.examples for one in group.texts if critical & set(one.cues)]

    assert texts
    assert not [
        one.text for one in texts if severity_of(one.text, pack) not in {"high", "critical"}
    ]


def severity_of(text: str, pack: Pack) -> str:
    """How bad a text is, as the service understands it out of the box."""
    return understand(
        text=text, subject=None, fields={}, channel="web", pack=pack,
        language="zh" if is_chinese(text) else "en", model=pack.derived(shipped),
    ).severity  # fmt: skip


@each_pack
def test_what_the_rules_name_stands_in_the_pack(name: str) -> None:
    pack = pack_of(name)
    codes = {category.code for category in pack.taxonomy}
    sources = {source.id for source in pack.sources}

    named = [
        code for fact in pack.facts for code in fact.categories if code.startswith(INDUSTRIES[name])
    ]
    assert set(named) <= codes
    assert _sources(pack) <= sources


def _sources(pack: Pack) -> set[str]:
    parts: list[Iterable[object]] = [
        pack.cues, pack.clocks, pack.calendars, pack.facts, pack.hints, pack.remedies,
        pack.early_warning, pack.downgrades,
    ]  # fmt: skip
    named = {getattr(one, "source", "D") for part in parts for one in part}
    return named | {clock.statutory_source for clock in pack.clocks if clock.statutory_source}


@each_pack
def test_what_rests_on_a_text_that_was_not_read_asks_to_be_checked(name: str) -> None:
    pack = pack_of(name)
    unread = {source.id for source in pack.sources if source.verify}

    for clock in pack.clocks:
        assert clock.verify or unread.isdisjoint({clock.source, clock.statutory_source}), clock
    for remedy in pack.remedies:
        assert remedy.verify or remedy.source not in unread, remedy.code
    for hint in pack.hints:
        assert hint.verify or hint.source not in unread, hint.id


@each_pack
def test_every_severity_has_a_first_contact_a_solution_and_an_end(name: str) -> None:
    pack = pack_of(name)

    for clock in ("first_contact", "solution", "closure", "callback"):
        for severity in SEVERITIES:
            assert pack.clock(clock).target(severity), (clock, severity)


@each_pack
@pytest.mark.parametrize("filled", [False, True])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_template_reads_with_and_without_its_values(
    name: str, language: str, *, filled: bool
) -> None:
    for template in own_templates(name):
        # What a letter requires it is never written without.
        known = template.variables if filled else template.requires
        values = {each: f"[{each}]" for each in known}

        letter = write_letter(template, language=language, values=values)

        assert letter.subject
        assert "\n\n\n" not in letter.body
        assert "None" not in letter.body
        for each in values:
            assert f"[{each}]" in letter.subject + letter.body, (template.id, each)


@each_pack
@pytest.mark.parametrize(
    ("language", "sorry", "understands"), [("zh", "抱歉", "理解"), ("en", "sorry", "understand")]
)
def test_every_acknowledgement_apologises_and_understands(
    name: str, language: str, sorry: str, understands: str
) -> None:
    acknowledgements = [one for one in own_templates(name) if one.id.startswith("ack_")]

    assert acknowledgements
    for template in acknowledgements:
        body = write_letter(template, language=language, values={}).body
        assert sorry in body, template.id
        assert understands in body, template.id


@each_pack
def test_no_template_blames_the_customer_or_answers_coldly(name: str) -> None:
    text = (shipped_folder() / name / "templates.yaml").read_text(encoding="utf-8")
    cold = ["按规定", "您操作不当", "您使用不当", "无理", "非正当", "your fault", "unjustified", "policy does not allow"]  # fmt: skip

    assert [phrase for phrase in cold if phrase in text] == []


@each_pack
def test_the_pack_travels_and_resolves_the_same(name: str) -> None:
    chain = read_chain(shipped_folder(), name)

    over_wire = resolve(chain_to_wire(chain))

    assert over_wire.model_copy(update={"pack": pack_of(name).pack}) == pack_of(name)


@each_pack
def test_money_is_written_as_text_not_as_a_number(name: str) -> None:
    raw = yaml.safe_load((shipped_folder() / name / "care.yaml").read_text(encoding="utf-8"))
    limits = [
        approval.get("up_to") for remedy in raw["remedies"] for approval in remedy["approvals"]
    ]
    limits += [remedy.get("minimum") for remedy in raw["remedies"]]

    assert all(isinstance(amount, str) for amount in limits if amount is not None)
