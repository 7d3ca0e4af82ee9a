"""Which words a text is found by, in Chinese and English."""

from __future__ import annotations

from services.followup.model.words import MOST_TERMS, Phrase, indexed, mark, wanted


def test_han_is_indexed_by_pairs_with_the_last_character_alone() -> None:
    assert indexed("电表坏了") == ["电表", "表坏", "坏了", "了"]
    assert indexed("坏") == ["坏"]


def test_other_words_are_folded_and_full_width_is_as_half_width() -> None:
    assert indexed("Ｐｏｗｅｒ BANK no. 12，坏") == ["power", "bank", "no", "12", "坏"]
    assert indexed("a'b'); DROP \"x\" & | ! :*") == ["a", "b", "drop", "x"]


def test_a_run_of_han_is_looked_for_as_a_phrase_and_words_from_their_beginning() -> None:
    assert wanted("校表 Pow") == [Phrase(("校表",)), Phrase(("pow",), is_beginning=True)]
    assert wanted("智能电表") == [Phrase(("智能", "能电", "电表"))]
    assert wanted("表") == [Phrase(("表",), is_beginning=True)]
    assert wanted("，。 _") == []
    assert len(wanted("a " * 100)) == MOST_TERMS


def test_marks_are_no_words_of_a_text_and_the_same_for_the_same_value() -> None:
    assert mark("u", "north") == mark("u", "north") != mark("u", "south")
    assert indexed("x", [mark("u", "north")])[-1] == mark("u", "north")
    assert mark("u", "north").isalnum()
