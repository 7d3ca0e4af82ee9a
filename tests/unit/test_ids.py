from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from shared.ids import check_digit, code_digest, is_number, new_code, new_id, new_number


def test_ids_are_uuid7_and_grow_with_time() -> None:
    made = [new_id() for _ in range(100)]
    assert len(set(made)) == 100
    assert {uuid.UUID(one).version for one in made} == {7}
    assert {uuid.UUID(one).variant for one in made} == {uuid.RFC_4122}


def test_the_check_digit_is_that_of_iso_7064() -> None:
    # The standard's own example for MOD 11,10: 0794 has the check digit 5.
    assert check_digit("0794") == 5


@given(st.integers(0, 10**10 - 1), st.integers(0, 9), st.integers(1, 9))
def test_every_single_wrong_digit_is_noticed(value: int, place: int, by: int) -> None:
    digits = f"{value:010d}"
    wrong = digits[:place] + str((int(digits[place]) + by) % 10) + digits[place + 1 :]
    assert check_digit(digits) != check_digit(wrong)


def test_a_number_has_its_form_and_its_check_digit() -> None:
    number = new_number()
    assert is_number(number)
    assert len(number) == 13
    for wrong in ("", "12345678901", number[:-1] + str((int(number[-1]) + 1) % 10), number + "0"):
        assert not is_number(wrong)


def test_a_code_holds_80_bits_and_is_known_however_it_is_typed() -> None:
    code = new_code()
    assert len(code.replace("-", "")) * 5 == 80
    assert code_digest(code) == code_digest(code.lower().replace("-", ""))
    assert new_code() != code
