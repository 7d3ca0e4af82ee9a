"""How much of what is personal is found, in texts labelled by hand; the figures stand in docs/guarantees.md."""

from __future__ import annotations

import pytest

from tests.unit.masking.labelled import FORMATTED, FRESH, UNSEEN, read, score

TUNED = score([*read(), *read(UNSEEN)])
UNTOUCHED = score(read(FRESH))


def test_the_set_is_large_enough_to_tell() -> None:
    assert sum(TUNED.labelled.values()) >= 300


@pytest.mark.req("R-162")
@pytest.mark.parametrize("kind", FORMATTED)
def test_what_has_a_fixed_form_is_always_found(kind: str) -> None:
    missed = [one for one in (*TUNED.missed, *UNTOUCHED.missed) if one.startswith(f"{kind}:")]

    assert missed == []


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", ["name", "address"])
def test_nine_of_ten_names_and_addresses_are_found_and_little_else(
    kind: str, language: str
) -> None:
    assert TUNED.recall(kind, language) >= 0.9, TUNED.missed
    assert TUNED.precision(kind, language) >= 0.95, TUNED.wrong


@pytest.mark.parametrize(("kind", "share"), [("name", 0.85), ("address", 0.9)])
def test_texts_that_the_rules_were_not_made_with_hold_what_is_stated_of_them(
    kind: str, share: float
) -> None:
    assert UNTOUCHED.recall(kind) >= share, UNTOUCHED.missed
    assert UNTOUCHED.precision(kind) >= 0.95, UNTOUCHED.wrong
