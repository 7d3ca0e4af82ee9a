"""Examples in packs: inherited, checked, and small enough to travel."""

import random
from pathlib import Path

import pytest

from shared.packs.load import check, load_folder, read_chain, read_source, shipped_folder
from shared.packs.model import Example
from shared.packs.wire import MAX_BYTES, chain_to_wire, resolve

HEAD = """\
pack: {{id: {id}, version: "1.0", name: {{zh: 测试, en: Test}}, inherits: {inherits}, in_force_from: 2026-01-01}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of packs with the shipped generic one in it, without its examples."""
    (tmp_path / "generic").mkdir()
    for file in (shipped_folder() / "generic").glob("*.yaml"):
        if file.name != "examples.yaml":
            (tmp_path / "generic" / file.name).symlink_to(file)
    return tmp_path


def write(folder: Path, name: str, inherits: str, examples: str) -> None:
    (folder / name).mkdir(exist_ok=True)
    head = HEAD.format(id=name, inherits=inherits)
    (folder / name / "pack.yaml").write_text(head, encoding="utf-8")
    (folder / name / "examples.yaml").write_text(f"examples:\n{examples}", encoding="utf-8")


def test_a_text_alone_is_a_complaint_without_cues_and_all_can_be_said(folder: Path) -> None:
    write(
        folder,
        "shop",
        "generic",
        "  - category: GEN-PRD\n"
        "    texts:\n"
        "      - 用了两天就散架了\n"
        '      - {text: "Does it come in blue?", kind: inquiry, cues: [hazard]}\n'
        "      - {text: 门口全是玻璃渣, severity: high}\n",
    )

    [examples] = load_folder(folder, "shop").examples

    assert examples.category == "GEN-PRD"
    assert examples.texts == (
        Example(text="用了两天就散架了", kind="complaint", cues=()),
        Example(text="Does it come in blue?", kind="inquiry", cues=("hazard",)),
        Example(text="门口全是玻璃渣", severity="high"),
    )


def test_texts_of_a_category_are_added_to_those_inherited(folder: Path) -> None:
    write(
        folder,
        "shop",
        "generic",
        "  - {category: GEN-PRD, texts: [散架了, 裂开了]}\n  - {category: GEN-FEE, texts: [多扣我的]}\n",
    )
    write(folder, "mine", "shop", "  - {category: GEN-PRD, texts: [Fell to bits]}\n")

    found = load_folder(folder, "mine").examples

    said = {one.category: [text.text for text in one.texts] for one in found}
    assert said == {"GEN-PRD": ["散架了", "裂开了", "Fell to bits"], "GEN-FEE": ["多扣我的"]}


@pytest.mark.parametrize(
    ("texts", "line", "field", "message"),
    [
        ("  - category: GEN-NO\n    texts: [散了]\n", 2, "category", "no category 'GEN-NO'"),
        (
            "  - category: GEN-PRD\n    texts:\n      - {text: 散了, cues: [smell]}\n",
            4,
            "texts[0].cues[0]",
            "no cue 'smell'",
        ),
        ('  - category: GEN-PRD\n    texts:\n      - 散了\n      - " "\n', 5, "texts[1]", "at least 1"),
        ("  - category: GEN-PRD\n    texts:\n      - 散了\n      - 散了\n", 5, "texts[1]", "twice"),
        (
            "  - {category: GEN-PRD, texts: [Fell apart]}\n  - {category: GEN-FEE, texts: [fell  apart]}\n",
            3,
            "texts[0]",
            "also stands under GEN-PRD",
        ),
        ("  - category: GEN-PRD\n    texts: []\n", 3, "texts", "there are none"),
        (
            "  - category: GEN-PRD\n    texts:\n      - {text: 散了, kind: rant}\n",
            4,
            "texts[0].kind",
            "complaint",
        ),
        (
            "  - category: GEN-PRD\n    texts:\n      - {text: 散了, severity: grave}\n",
            4,
            "texts[0].severity",
            "critical",
        ),
        (
            "  - category: GEN-PRD\n    texts:\n      - {text: 散了, cues: [hazard], severity: normal}\n",
            4,
            "texts[0].severity",
            "the cue 'hazard' makes it high",
        ),
    ],
)  # fmt: skip
def test_a_wrong_example_is_named_with_file_line_and_field(
    folder: Path, texts: str, line: int, field: str, message: str
) -> None:
    write(folder, "shop", "generic", texts)

    [error] = check(folder / "shop")

    assert (error.file, error.line) == ("shop/examples.yaml", line)
    assert field in error.field
    assert message in error.message
    assert error.advice


def test_a_pack_with_a_thousand_examples_travels_within_its_bound(folder: Path) -> None:
    draw = random.Random(1)
    letters = [chr(code) for code in range(0x4E00, 0x4E00 + 1500)]
    lines = (
        f"      - {{text: {''.join(draw.choices(letters, k=60))}, kind: grumble, cues: [hazard]}}\n"
        for _ in range(1_000)
    )
    write(folder, "shop", "generic", f"  - category: GEN-PRD\n    texts:\n{''.join(lines)}")

    wires = chain_to_wire(read_chain(folder, "shop"))

    assert all(len(wire.body) < MAX_BYTES for wire in wires)
    assert resolve(wires).examples == load_folder(folder, "shop").examples


def test_every_shipped_pack_travels_with_its_examples() -> None:
    for folder in sorted(shipped_folder().iterdir()):
        chain = read_chain(shipped_folder(), read_source(folder).head.id)

        wires = chain_to_wire(chain)

        assert max(len(wire.body) for wire in wires) < MAX_BYTES
        assert resolve(wires).examples == load_folder(shipped_folder(), folder.name).examples
