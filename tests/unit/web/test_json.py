from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.web.json import MAX_DEPTH, Malformed, dump, parse

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_what_we_write_we_read_back(value: object) -> None:
    assert parse(dump(value)) == value


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        (b'{"text": "a", "text": "b"}', "'text'"),
        (b'{"a": {"b": 1, "b": 2}}', "'b'"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": Infinity}', "Infinity"),
        (b'{"a": -Infinity}', "-Infinity"),
        (b"[" * 255 + b"]" * 255, "deeper"),
        (b'{"a":' * 255 + b"1" + b"}" * 255, "deeper"),
        (b"[" * 100_000, "deeper"),
        (b"\xff\xfe{}", "UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "UTF-8"),
        (b"{", "JSON"),
        (b"", "JSON"),
    ],
)
def test_json_that_two_readers_would_read_differently_is_refused_by_name(
    raw: bytes, names: str
) -> None:
    with pytest.raises(Malformed, match=names):
        parse(raw)


def test_brackets_in_text_are_no_depth() -> None:
    text = "[{" * 500
    assert parse(dump({"text": text})) == {"text": text}
    assert parse(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH) is not None
