"""What another version of a pack changes, as a person must know it."""

from pathlib import Path

import pytest

from shared.packs.diff import Difference, differences
from shared.packs.load import load_folder, shipped_folder
from shared.packs.model import Pack

HEAD = """\
pack:
  id: shop
  version: "{version}"
  name: {{zh: 门店, en: Shop}}
  inherits: generic
  in_force_from: 2026-01-01
"""


@pytest.fixture(scope="module")
def generic() -> Pack:
    return load_folder(shipped_folder(), "generic")


def shop(folder: Path, version: str, body: str) -> Pack:
    (folder / version / "shop").mkdir(parents=True)
    text = HEAD.format(version=version) + body
    (folder / version / "shop" / "pack.yaml").write_text(text, encoding="utf-8")
    return load_folder(folder / version, "shop")


def test_a_pack_does_not_differ_from_itself(generic: Pack) -> None:
    assert list(differences(generic, generic)) == []


def test_each_difference_names_subject_item_and_field_with_old_and_new(
    tmp_path: Path,
) -> None:
    old = shop(tmp_path, "1.0", "")
    new = shop(
        tmp_path,
        "1.1",
        """
taxonomy:
  - {code: GEN-DSC, dropped: true}
  - code: SHP-QUE
    name: {zh: 排队, en: Queues}
    team: service
    keywords: {zh: [排队], en: [queue]}
teams:
  - {code: billing, name: {zh: 账务, en: Billing}, skills: [bill_check, arrears]}
callback:
  attempts: 5
""",
    )

    found = list(differences(old, new))

    assert [(one.subject, one.item, one.field, one.what) for one in found] == [
        ("taxonomy", "GEN-DSC", "", "removed"),
        ("taxonomy", "SHP-QUE", "", "added"),
        ("teams", "billing", "skills", "changed"),
        ("callback", "", "attempts", "changed"),
        ("examples", "GEN-DSC", "texts", "changed"),
        ("pack", "", "version", "changed"),
    ]
    by_item = {one.item or one.field: one for one in found}
    assert (by_item["billing"].old, by_item["billing"].new) == (["refund"], ["arrears"])
    assert by_item["attempts"].new == 5
    assert by_item["version"] == Difference("pack", "", "version", "changed", "1.0", "1.1")


def test_a_clock_tells_the_one_target_that_moved(tmp_path: Path) -> None:
    clock = """
clocks:
  - name: acknowledge
    title: {{zh: 确认收到, en: Acknowledgement}}
    stops: acknowledged
    targets: {{critical: 5m, high: {high}}}
"""
    old = shop(tmp_path, "1.0", clock.format(high="10m"))
    new = shop(tmp_path, "1.1", clock.format(high="8m"))

    moved = [one for one in differences(old, new) if one.subject == "clocks"]

    assert moved == [
        Difference("clocks", "acknowledge", "targets.high", "changed", "10m", "8m"),
    ]


def test_examples_are_counted_and_not_listed(tmp_path: Path) -> None:
    texts = "examples:\n  - {{category: GEN-FEE, texts: [{}]}}\n"
    old = shop(tmp_path, "1.0", texts.format("只有旧的一句"))
    new = shop(tmp_path, "1.1", texts.format("新的一句, 新的两句"))

    [told] = [one for one in differences(old, new) if one.subject == "examples"]

    assert (told.item, told.old, told.new) == ("GEN-FEE", 1, 2)


def test_words_in_another_order_are_shown_whole(tmp_path: Path) -> None:
    team = "teams:\n  - {{code: service, name: {{zh: 客服, en: Service}}, skills: [{}]}}\n"
    old = shop(tmp_path, "1.0", team.format("a, b"))
    new = shop(tmp_path, "1.1", team.format("b, a"))

    [told] = [one for one in differences(old, new) if one.subject == "teams"]

    assert (told.old, told.new) == (["a", "b"], ["b", "a"])
