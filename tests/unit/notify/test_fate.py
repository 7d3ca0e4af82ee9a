"""What becomes of a message after an attempt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.notify.model import Fate, Sent
from services.notify.policy.fate import fate_of
from shared.contracts.notify import MessageAccepted, MessageFailed, MessageUnknown

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def fate(sent: Sent, attempts: int = 1) -> Fate:
    return fate_of(sent, attempts=attempts, now=NOW, jitter=0.5)


def test_what_a_provider_took_or_refused_for_good_has_ended() -> None:
    assert fate(Sent("accepted")) == Fate("accepted", MessageAccepted)
    assert fate(Sent("refused")) == Fate("failed", MessageFailed, "refused")


def test_no_answer_is_told_and_tried_again_and_a_passing_refusal_only_tried_again() -> None:
    again = NOW + timedelta(seconds=5)

    assert fate(Sent("unknown")) == Fate("pending", MessageUnknown, "no_answer", again)
    assert fate(Sent("retry")) == Fate("pending", next_at=again)
    assert fate(Sent("unknown")).kept_reason is None


def test_after_the_last_attempt_it_is_given_up() -> None:
    assert fate(Sent("retry"), attempts=8) == Fate("failed", MessageFailed, "exhausted")
