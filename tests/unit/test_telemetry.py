from __future__ import annotations

import pytest

from shared.telemetry import _blot, current_trace, trace_of, traceparent, tracing


@pytest.mark.req("R-162")
@pytest.mark.parametrize(
    "text", ["call 13912345678 now", "mail wang@example.com", "卡号6222021234567890123"]
)
def test_log_lines_carry_no_phone_mail_or_card(text: str) -> None:
    event = _blot(None, "", {"event": text, "detail": text, "seconds": 3})
    assert not any(part in str(event) for part in ("13912345678", "wang@", "6222021234567890123"))


def test_numbers_and_ids_stay_readable_in_log_lines() -> None:
    event = {
        "number": "1234-5678-903",
        "subject": "0198f3a2-7c1e-7d00-8a00-0123456789ab",
        "event": "ok",
    }
    assert _blot(None, "", dict(event)) == event


def test_a_trace_goes_on_from_one_header_to_the_next() -> None:
    with tracing(None) as trace:
        assert current_trace() == trace
        assert trace_of(traceparent(trace)) == trace
    assert current_trace() is None
    assert trace_of("00-xyz") is None


def test_a_long_text_from_outside_is_cut_and_holds_nobody_up() -> None:
    """INVARIANT: a poisoned record cannot stop the process that reports it.

    A pattern that looks for mail addresses of any length would break this: it costs the square of the text.
    """
    event = _blot(None, "", {"error": "x" * 200_000})

    assert len(event["error"]) == 8_000
