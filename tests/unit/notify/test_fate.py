"""What becomes of a message after an attempt."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.notify.model import Ended, Fate, Sent
from services.notify.policy.fate import fate_of
from shared.contracts.notify import MessageAccepted, MessageFailed, MessageUnknown
from tests.unit.notify.messages import MESSAGE

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def fate(
    sent: Sent,
    attempts: int = 1,
    *,
    others: tuple[str, ...] = (),
    repeats: bool = True,
    lane: int = 1,
) -> Fate:
    message = replace(MESSAGE, channel_attempts=attempts - 1, lane=lane)
    ended = Ended(message, "sms", sent, NOW, 0.5, others=others, repeats=repeats)
    return fate_of(ended, now=NOW)


def test_what_a_provider_took_or_refused_for_good_has_ended() -> None:
    assert fate(Sent("accepted")) == Fate("accepted", MessageAccepted)
    assert fate(Sent("refused")) == Fate("failed", MessageFailed, "refused", alerts="refused")


def test_no_answer_is_told_and_tried_again_and_a_passing_refusal_only_tried_again() -> None:
    again = NOW + timedelta(seconds=5)

    assert fate(Sent("unknown")) == Fate("pending", MessageUnknown, "no_answer", again)
    assert fate(Sent("retry")) == Fate("pending", next_at=again)
    assert fate(Sent("unknown")).kept_reason is None


def test_after_the_last_attempt_it_is_given_up() -> None:
    assert fate(Sent("retry"), attempts=8) == Fate(
        "failed", MessageFailed, "exhausted", alerts="exhausted"
    )


@pytest.mark.req("R-107")
def test_where_another_way_leads_to_the_person_it_is_tried_at_once_or_after_few_attempts() -> None:
    passed = Fate("pending", reason="refused", next_at=NOW, passes=True)

    assert fate(Sent("refused"), others=("email",)) == passed
    assert not fate(Sent("retry"), 3, others=("email",)).passes
    assert fate(Sent("retry"), 4, others=("email",)).passes
    assert fate(Sent("retry"), 2, others=("email",), lane=0).passes


def test_what_may_not_be_sent_twice_waits_for_a_person_when_nobody_knows_whether_it_arrived() -> (
    None
):
    held = fate(Sent("unknown"), repeats=False)

    assert (held.state, held.said, held.alerts) == ("held", MessageUnknown, "no_answer")
