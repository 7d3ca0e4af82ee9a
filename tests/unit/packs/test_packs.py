"""Packs: complete, honest about their errors, and the same after a journey over the wire."""

import base64
import json
import zlib
from pathlib import Path

import pytest

from shared.packs.calendars import calendar_of
from shared.packs.letters import write_letter
from shared.packs.load import (
    check,
    load_folder,
    read_chain,
    resolve_sources,
    shipped_folder,
)
from shared.packs.located import PackError, PackInvalid
from shared.packs.model import SEVERITIES, Pack
from shared.packs.wire import (
    MAX_BYTES,
    WirePack,
    chain_of,
    chain_to_wire,
    from_wire,
    resolve,
)
from shared.worktime import parse_term

HEAD = """\
pack:
  id: {id}
  version: "{version}"
  name: {{zh: 测试, en: Test}}
  inherits: {inherits}
  in_force_from: 2026-01-01
"""


@pytest.fixture(scope="module")
def generic() -> Pack:
    return load_folder(shipped_folder(), "generic")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of packs with the shipped generic one in it."""
    (tmp_path / "generic").symlink_to(shipped_folder() / "generic")
    return tmp_path


def write(folder: Path, body: str, *, name: str = "shop", inherits: str = "generic") -> None:
    (folder / name).mkdir(exist_ok=True)
    head = HEAD.format(id=name, version="1.10", inherits=inherits)
    (folder / name / "pack.yaml").write_text(head + body, encoding="utf-8")


def only_error(folder: Path) -> PackError:
    errors = check(folder / "shop")
    assert len(errors) == 1, errors
    return errors[0]


def test_every_shipped_pack_is_good() -> None:
    assert check(shipped_folder()) == []


def test_the_generic_pack_holds_the_facts_it_is_made_from(generic: Pack) -> None:
    assert [category.code for category in generic.taxonomy] == [
        f"GEN-{code}"
        for code in [
            "PRD",
            "SVC",
            "ATT",
            "DLY",
            "FEE",
            "RFD",
            "INF",
            "SAF",
            "PRV",
            "CTR",
            "ACC",
            "FLW",
            "DSC",
            "FRD",
            "OTH",
        ]
    ]
    assert {category.code: category.team for category in generic.taxonomy}["GEN-FRD"] == "security"
    assert len(generic.cues) == 17
    assert len(generic.early_warning) == 9
    assert len(generic.causes) == 15
    assert [level.id for level in generic.escalation] == ["L1", "L2", "L3", "L4", "L5"]
    assert {team.code for team in generic.teams} >= {"service", "quality", "supervisor"}


@pytest.mark.req("R-034")
def test_every_category_has_words_and_a_name_in_both_languages(generic: Pack) -> None:
    for category in generic.taxonomy:
        assert len(category.keywords.zh) >= 8
        assert len(category.keywords.en) >= 8
        assert category.name.zh != category.name.en


@pytest.mark.parametrize(
    ("clock", "targets"),
    [
        ("acknowledge", ["5m", "5m", "5m", "5m"]),
        ("first_contact", ["2wd", "24h", "2h", "30m"]),
        ("solution", ["10wd", "5wd", "2wd", "24h"]),
        ("closure", ["15wd", "10wd", "5wd", "3wd"]),
        ("callback", ["5wd", "2wd", "1wd", "24h"]),
        ("progress", ["None", "3wd", "1d", "4h"]),
        ("statutory", ["15d", "15d", "15d", "15d"]),
    ],
)
def test_the_generic_clocks_promise_what_the_facts_say(
    generic: Pack, clock: str, targets: list[str]
) -> None:
    assert [str(generic.clock(clock).target(severity)) for severity in SEVERITIES] == targets


def test_clocks_run_by_kind_category_and_regime(generic: Pack) -> None:
    def names(**case: str | None) -> set[str]:
        found = generic.clocks_for(
            kind=case.get("kind") or "complaint",
            category=case.get("category"),
            severity="normal",
            regime=case.get("regime"),
        )
        return {clock.name for clock in found}

    assert names(kind="praise") == {"acknowledge", "triage"}
    assert "statutory" in names(category="GEN-RFD")
    assert "statutory" not in names(category="GEN-ATT")
    assert "uk_final" in names(regime="uk_finance")
    assert "uk_final" not in names()
    assert "site_visit" not in names()


def test_every_calendar_of_the_pack_counts(generic: Pack) -> None:
    for spec in generic.calendars:
        assert calendar_of(spec, zone="Europe/London").id == spec.id
    assert calendar_of(generic.calendar_spec("calling"), zone="Europe/London").zone.endswith(
        "London"
    )


@pytest.mark.parametrize("filled", [False, True])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_template_reads_with_and_without_its_values(
    generic: Pack, language: str, *, filled: bool
) -> None:
    for template in generic.templates:
        named = template.variables if filled else template.requires
        values = {name: f"[{name}]" for name in named}

        letter = write_letter(template, language=language, values=values)

        assert letter.subject
        assert "\n" not in letter.subject
        assert "\n\n\n" not in letter.body
        assert "None" not in letter.body
        # A digest is about many cases.
        names = "[number]" in letter.subject + letter.body or "number" not in template.variables
        assert not filled or names


@pytest.mark.req("R-054")
@pytest.mark.parametrize(
    ("language", "sorry", "understands"), [("zh", "抱歉", "理解"), ("en", "sorry", "understand")]
)
def test_every_acknowledgement_of_trouble_apologises_and_understands(
    generic: Pack, language: str, sorry: str, understands: str
) -> None:
    for name in ("acknowledgement", "acknowledgement_grumble", "reopened", "delay", "ask_facts"):
        body = write_letter(generic.template(name), language=language, values={}).body

        assert sorry in body, name
        assert understands in body, name
        question = body.find("？") if language == "zh" else body.find("?")
        assert question == -1 or body.find(sorry) < question


def test_nothing_in_a_value_is_read_as_a_template(generic: Pack) -> None:
    template = generic.template("acknowledgement")

    letter = write_letter(template, language="en", values={"restated": "{{ 7 * 7 }} {% if %}"})

    assert "{{ 7 * 7 }} {% if %}" in letter.body
    with pytest.raises(KeyError, match="salary"):
        write_letter(template, language="en", values={"salary": "1"})


def test_a_lookup_of_what_is_not_there_names_it(generic: Pack) -> None:
    for look in (generic.category, generic.team, generic.clock, generic.template, generic.remedy):
        with pytest.raises(KeyError, match="nothing-like-it"):
            look("nothing-like-it")


def test_an_item_of_the_same_code_replaces_and_a_new_one_is_added(folder: Path) -> None:
    write(
        folder,
        """
teams:
  - {code: service, name: {zh: 门店, en: Shop floor}}
  - {code: kitchen, name: {zh: 后厨, en: Kitchen}}
urgency: {low: standard}
""",
    )

    pack = load_folder(folder, "shop")

    assert pack.ref == "shop@1.10"
    assert pack.team("service").name.en == "Shop floor"
    assert pack.team("kitchen").name.zh == "后厨"
    assert pack.team("billing").skills
    assert pack.urgency["low"] == "standard"
    assert pack.urgency["critical"] == "immediate"


def test_a_pack_takes_out_what_it_inherits_and_does_not_want(folder: Path) -> None:
    write(
        folder,
        "teams: [{code: security, dropped: true}]\n"
        "taxonomy: [{code: GEN-FRD, dropped: true}, {code: GEN-RFD, dropped: true}]\n"
        "clocks: [{name: statutory, dropped: true}]\n",
    )

    pack = load_folder(folder, "shop")

    assert {"GEN-FRD", "GEN-RFD"}.isdisjoint(category.code for category in pack.taxonomy)
    assert "security" not in {team.code for team in pack.teams}
    assert pack.category("GEN-PRV").team == "compliance"


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ("teams: [{code: securty, dropped: true}]\n", "teams[securty].name", "missing"),
        (
            "taxonomy: [{code: GEN-RFD, dropped: true}]\n",
            "clocks[statutory].categories[0]",
            "no category 'GEN-RFD'",
        ),
    ],
)
def test_taking_out_what_is_not_there_or_still_needed_is_told(
    folder: Path, body: str, field: str, message: str
) -> None:
    write(folder, body)

    errors = {error.field: error.message for error in check(folder / "shop")}

    assert message in errors[field]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (
            (
                "hints: [{id: h, verdict: upheld, reason: {zh: 甲, en: A}, evidence: {zh: 甲, en: A},"
                " source: D, categories: [NONE]}]\n"
            ),
            "hints[h].categories[0]",
        ),
        (
            (
                "early_warning: [{id: w, rule: {zh: 甲, en: A}, action: {zh: 甲, en: A},"
                " measure: count, categories: [NONE]}]\n"
            ),
            "early_warning[w].categories[0]",
        ),
        (
            (
                "remedies: [{code: r, name: {zh: 甲, en: A}, basis: {zh: 甲, en: A},"
                " approvals: [{role: handler}], categories: [NONE]}]\n"
            ),
            "remedies[r].categories[0]",
        ),
        (
            "downgrades: [{id: d, category: NONE, to: high, when: {zh: 甲, en: A}}]\n",
            "downgrades[d].category",
        ),
    ],
)
def test_a_rule_for_a_category_that_is_not_there_is_refused(
    folder: Path, body: str, field: str
) -> None:
    write(folder, body)

    error = only_error(folder)

    assert error.field == field
    assert "no category 'NONE'" in error.message


@pytest.mark.parametrize(
    ("body", "line", "field", "message", "advice"),
    [
        (
            "teams:\n  - {code: x, name: {zh: 甲}}\n",
            8,
            "teams[x].name.en",
            "missing",
            "Add `en:`",
        ),
        (
            "taxonmy: []\n",
            7,
            "taxonmy",
            "no such section",
            "Did you mean `taxonomy`?",
        ),
        (
            "thresholds:\n  large_amout: 5\n",
            8,
            "thresholds.large_amout",
            "no such field",
            "Did you mean `large_amount`?",
        ),
        (
            "urgency:\n  critical: soon\n",
            8,
            "urgency.critical",
            "immediate",
            "'soon'",
        ),
        (
            "pausing:\n  reasons: [lab]\n  cap: 3 days\n",
            9,
            "pausing.cap",
            "no length of time",
            "Correct",
        ),
        (
            "callback:\n  calendar: never\n",
            8,
            "callback.calendar",
            "no calendar 'never'",
            "one of",
        ),
        (
            "teams:\n  - code: x\n    code: y\n    name: {zh: 甲, en: A}\n",
            9,
            "teams[0].code",
            "twice",
            "Keep one",
        ),
        (
            "calendars:\n  - id: shut\n    name: {zh: 关, en: Shut}\n    open: {mon: []}\n",
            8,
            "calendars[shut]",
            "never open",
            "Give at least one",
        ),
    ],
)
def test_an_error_names_line_and_field_and_what_to_do(
    folder: Path, body: str, line: int, field: str, message: str, advice: str
) -> None:
    write(folder, body)

    error = only_error(folder)

    assert (error.file, error.line, error.field) == ("shop/pack.yaml", line, field)
    assert message in error.message
    assert advice in error.advice


def test_all_errors_are_told_at_once(folder: Path) -> None:
    write(folder, "urgency: {critical: soon}\nteams: [{code: x}]\nsurvey: {satisfied_from: many}\n")

    fields = {error.field for error in check(folder / "shop")}

    assert fields == {"urgency.critical", "teams[x].name", "survey.satisfied_from"}


@pytest.mark.req("R-083")
@pytest.mark.parametrize("target", ["16d", "361h", "11wd", "3w"])
def test_a_target_past_the_statutory_limit_is_refused(folder: Path, target: str) -> None:
    write(
        folder,
        f"""
clocks:
  - name: refund
    title: {{zh: 退款, en: Refund}}
    stops: refunded
    targets: {{critical: 7d, high: 15d, normal: {target}}}
    calendar: standard
    statutory: 15d
    statutory_source: G-4
""",
    )

    error = only_error(folder)

    assert error.field == "clocks[refund].targets.normal"
    assert "past the statutory limit 15d (G-4)" in error.message


def test_a_statutory_limit_never_pauses(folder: Path) -> None:
    write(
        folder,
        "clocks: [{name: r, title: {zh: 退, en: R}, stops: x, pausable: true,"
        " targets: {low: 1d}, statutory: 2d}]\n",
    )

    assert "never pauses" in only_error(folder).message


def test_a_template_with_a_misspelt_variable_or_wrong_syntax_is_refused(folder: Path) -> None:
    write(
        folder,
        """
templates:
  - id: hello
    variables: [name]
    zh: {subject: 好, body: "{{ nmae }}"}
    en: {subject: Hi, body: "{% if name %}"}
""",
    )

    found = {(error.field, error.line) for error in check(folder / "shop")}

    assert found == {("templates[hello].zh.body", 11), ("templates[hello].en.body", 12)}


def test_broken_yaml_names_the_line(folder: Path) -> None:
    write(folder, "teams: [\n  {code: x\n")

    assert only_error(folder).line >= 8


def test_a_section_in_two_files_is_refused(folder: Path) -> None:
    write(folder, "urgency: {low: standard}\n")
    (folder / "shop" / "zz.yaml").write_text("urgency: {low: batch}\n")

    error = only_error(folder)

    assert error.file == "shop/zz.yaml"
    assert "shop/pack.yaml:7" in error.message


def test_inheritance_that_cannot_be_is_refused(folder: Path) -> None:
    write(folder, "", inherits="nowhere")
    assert "no pack here" in only_error(folder).message

    write(folder, "", inherits="generic@99")
    assert "asks for generic@99" in only_error(folder).message

    write(folder, "", inherits="shop")
    assert "inherits through more than" in only_error(folder).message


def test_a_folder_without_packs_is_an_error(tmp_path: Path) -> None:
    assert "no packs" in check(tmp_path)[0].message
    assert "no packs" in check(tmp_path / "missing")[0].message


def test_a_pack_resolves_the_same_after_the_wire(folder: Path) -> None:
    write(folder, "urgency: {low: standard}\n")
    chain = read_chain(folder, "shop")

    wires = [WirePack.model_validate_json(w.model_dump_json()) for w in chain_to_wire(chain)]

    assert [wire.ref for wire in wires] == ["generic@1.0", "shop@1.10"]
    assert wires[1].inherits == "generic@1.0"
    assert all(len(wire.body) <= MAX_BYTES for wire in wires)
    over_wire, from_files = resolve(wires), resolve_sources(chain)
    assert over_wire.model_copy(update={"pack": from_files.pack}) == from_files
    assert over_wire.pack.inherits == "generic@1.0"
    known = {wire.ref: wire for wire in wires}
    assert chain_of("shop@1.10", known) == wires
    assert chain_of("shop@1.10", {"shop@1.10": wires[1]}) is None


def test_the_same_pack_always_makes_the_same_bytes() -> None:
    chain = read_chain(shipped_folder(), "generic")

    assert chain_to_wire(chain) == chain_to_wire(read_chain(shipped_folder(), "generic"))


def test_a_chain_with_a_gap_is_refused(folder: Path) -> None:
    write(folder, "")
    generic, shop = chain_to_wire(read_chain(folder, "shop"))

    with pytest.raises(PackInvalid, match="is not here"):
        resolve([shop])
    with pytest.raises(PackInvalid, match="inherits None"):
        resolve([generic, generic])
    with pytest.raises(PackInvalid, match="no pack"):
        resolve([])


def _packed(data: object) -> str:
    return base64.b64encode(zlib.compress(json.dumps(data).encode())).decode()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("not base64!", "cannot be unpacked"),
        (base64.b64encode(b"nothing").decode(), "cannot be unpacked"),
        ("A" * (MAX_BYTES + 4), "are more than"),
        (base64.b64encode(zlib.compress(b" " * 9_000_000)).decode(), "larger than"),
        (_packed({}), "head is wrong"),
        (_packed([1]), "head is wrong"),
        (
            _packed(
                {
                    "pack": {
                        "id": "y",
                        "version": "1",
                        "name": {"zh": "甲", "en": "A"},
                        "in_force_from": "2026-01-01",
                    }
                }
            ),
            "inside it is y@1",
        ),
    ],
)
def test_a_wire_pack_that_is_not_what_it_says_is_refused(body: str, message: str) -> None:
    with pytest.raises(PackInvalid, match=message):
        from_wire(WirePack(ref="x@1", body=body))


def test_words_that_yaml_would_change_stay_words(folder: Path) -> None:
    write(
        folder,
        "cues: [{id: y, name: {zh: 甲, en: A}, effect: high, examples: {en: [no, 012, 10:30]}}]\n",
    )

    cue = next(cue for cue in load_folder(folder, "shop").cues if cue.id == "y")

    assert cue.examples.en == ("no", "012", "10:30")


def test_statutory_limits_are_terms(generic: Pack) -> None:
    assert generic.clock("statutory").statutory_term == parse_term("15d")
    assert generic.clock("solution").statutory_term is None


def test_examples_of_a_category_that_is_taken_out_are_not_inherited(folder: Path) -> None:
    write(folder, "examples: [{category: GEN-PRD, texts: [散架了]}]\n")
    taken_out = "taxonomy: [{code: GEN-PRD, dropped: true}]\n"
    write(folder, taken_out, name="mine", inherits="shop")

    assert "GEN-PRD" not in {one.category for one in load_folder(folder, "mine").examples}


def test_a_cue_that_needs_itself_or_an_unknown_one_is_refused(folder: Path) -> None:
    for other in ("c", "nothing"):
        write(
            folder,
            "cues: [{id: c, name: {zh: 伤, en: Hurt}, effect: high, examples: {zh: [伤]},"
            f" together_with: [{other}]}}]\n",
        )

        error = only_error(folder)

        assert error.field == "cues[c].together_with[0]"
        assert f"no other cue '{other}'" in error.message


def test_a_clock_can_be_for_some_channels_alone(folder: Path) -> None:
    write(
        folder,
        "clocks: [{name: at_the_table, title: {zh: 到桌, en: At the table}, stops: contacted,"
        " channels: [walk_in], targets: {normal: 5m}}]\n",
    )
    pack = load_folder(folder, "shop")

    def names(channel: str | None) -> set[str]:
        found = pack.clocks_for(kind="complaint", category=None, severity="normal", channel=channel)
        return {clock.name for clock in found}

    assert "at_the_table" in names("walk_in")
    assert "at_the_table" not in names("web")
    assert "at_the_table" not in names(None)


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("taxonomy: " + "[" * 100_000, 1, "nested too deeply"),
        ("taxonomy:\n  - &a {code: A}\n  - *a\n", 3, "takes no aliases"),
        ("taxonomy: []\n---\ncues: []\n", 2, "a second document begins"),
        ("taxonomy:\n  ? [a]\n  : b\n", 2, "a key must be a word"),
    ],
)
def test_a_file_made_to_do_harm_is_refused_by_line(
    folder: Path, text: str, line: int, told: str
) -> None:
    write(folder, "")
    (folder / "shop" / "harm.yaml").write_text(text)

    error = only_error(folder)

    assert (error.file, error.line) == ("shop/harm.yaml", line)
    assert told in error.message


def test_what_a_pack_inherits_may_come_with_redress(tmp_path: Path) -> None:
    write(tmp_path, "", inherits="power@1.0")

    assert check(tmp_path / "shop") == []
    assert [one.ref for one in read_chain(tmp_path, "shop")] == [
        "generic@1.0",
        "power@1.0",
        "shop@1.10",
    ]
