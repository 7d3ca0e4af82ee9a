"""Quiet hours, caps, wishes and languages hold for every hour and zone; danger is not held back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.model import DANGER, Begun, Contact, Message, Traits, Wishes
from services.notify.policy.breaker import PATIENCE, Breaker
from services.notify.policy.form import cut, shaped
from services.notify.policy.sending import CAP, Later, Never, Now, is_extra, may_send, quiet_until
from services.notify.policy.stopping import asks_to_go_on, asks_to_stop
from services.notify.policy.wording import language_for
from tests.unit.notify.messages import MESSAGE

RINGING = Traits("phone")
SILENT = Traits("email", rings=False)
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - UTC by timezones
ZONES = st.sampled_from(["Asia/Shanghai", "Europe/London", "America/New_York", "Asia/Kathmandu"])
MINUTES = st.integers(0, 24 * 60 - 1)


def begun(
    purpose: str = "resolved", *, wishes: Wishes | None = None, lately: int = 0, lane: int = 1
) -> Begun:
    from dataclasses import replace

    message: Message = replace(MESSAGE, purpose=purpose, lane=lane)
    return Begun(message, wishes or Wishes(), lately)


@pytest.mark.req("R-105")
@given(now=MOMENTS, zone=ZONES, start=MINUTES, end=MINUTES)
def test_what_waits_for_the_quiet_hours_end_goes_out_just_outside_them(
    now: datetime, zone: str, start: int, end: int
) -> None:
    until = quiet_until(now, start, end, zone)
    if until is None:
        return
    assert now < until <= now + timedelta(hours=25)
    local = until.astimezone(ZoneInfo(zone))
    is_changing = local.utcoffset() != now.astimezone(ZoneInfo(zone)).utcoffset()
    assert is_changing or local.hour * 60 + local.minute == end


@given(now=MOMENTS, zone=ZONES)
def test_nobody_s_telephone_rings_at_night_in_their_own_zone(now: datetime, zone: str) -> None:
    decided = may_send(begun(wishes=Wishes(zone=zone)), RINGING, now=now, zone="Asia/Shanghai")
    hour = now.astimezone(ZoneInfo(zone)).hour
    assert isinstance(decided, Now) is (8 <= hour < 21)
    assert isinstance(may_send(begun(), SILENT, now=now, zone=zone), Now)


@given(now=MOMENTS, zone=ZONES, lately=st.integers(0, 100), start=MINUTES, end=MINUTES)
def test_danger_is_told_at_any_hour_and_beyond_any_cap(
    now: datetime, zone: str, lately: int, start: int, end: int
) -> None:
    wishes = Wishes(quiet_from=start, quiet_to=end, zone=zone, stopped=("all",))
    asked = begun("safety", wishes=wishes, lately=lately, lane=DANGER)
    assert may_send(asked, RINGING, now=now, zone=zone) == Now()


@given(lately=st.integers(0, 100))
def test_beyond_the_cap_what_is_needed_waits_and_what_is_not_is_left_out(lately: int) -> None:
    noon = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
    needed = may_send(begun("resolved", lately=lately), SILENT, now=noon, zone="Asia/Shanghai")
    extra = may_send(
        begun("progress.executing", lately=lately), SILENT, now=noon, zone="Asia/Shanghai"
    )
    assert isinstance(needed, Later) is (lately >= CAP)
    assert isinstance(extra, Never) is (lately >= CAP // 2)
    assert is_extra("bulletin.1")
    assert not is_extra("acknowledgement")


@pytest.mark.req("R-105")
def test_hours_of_their_own_hold_for_every_channel() -> None:
    wishes = Wishes(quiet_from=8 * 60, quiet_to=18 * 60, zone="Asia/Shanghai")
    noon = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
    decided = may_send(begun(wishes=wishes), SILENT, now=noon, zone="Europe/London")
    assert decided == Later(datetime(2026, 3, 2, 10, 0, tzinfo=UTC))


@given(st.text(max_size=30))
def test_only_a_message_that_says_nothing_else_asks_to_stop(text: str) -> None:
    assert not asks_to_stop(f"{text}我要投诉，请不要退订我的服务")


@pytest.mark.parametrize("text", ["退订", "TD", " stop. ", "“退订”", "T", "不要再发短信了"])
def test_the_usual_words_stop_and_their_opposite_goes_on(text: str) -> None:
    assert asks_to_stop(text)
    assert not asks_to_go_on(text)
    assert asks_to_go_on("恢复订阅")


@given(
    written=st.sampled_from(["zh", "en"]),
    known=st.sampled_from([None, "zh-CN", "en-GB", "fr"]),
    asked=st.sampled_from([None, "zh", "en", "de"]),
)
def test_the_language_is_what_they_asked_for_then_what_is_known_then_their_own(
    written: str, known: str | None, asked: str | None
) -> None:
    said = asked or known or written
    found = language_for(written, Contact(None, {}, language=known), Wishes(language=asked))
    assert found == ("zh" if said.startswith("zh") else "en")


@given(text=st.text(max_size=400), limit=st.integers(40, 120))
def test_a_short_message_is_within_its_length_and_keeps_its_link(text: str, limit: int) -> None:
    link = "https://x.example/1"
    assert len(cut(text, limit)) <= limit
    found = cut(f"{text.replace('http', '')} {link}", limit)
    assert len(found) <= limit
    assert link in found


def test_a_mail_stays_whole_and_a_text_begins_with_its_subject() -> None:
    assert shaped("S", "B\n", Traits("email", form="mail", limit=5)) == ("S", "B\n")
    assert shaped("S", "B\n", Traits("wecom", form="text")) == ("S", "S\nB")
    assert shaped("S", "a\n\nb\n", Traits("phone", form="short")) == ("S", "a b")


def test_a_provider_that_fails_is_left_alone_longer_each_time_and_one_answer_mends_it() -> None:
    now, breaker, waits = datetime(2026, 3, 2, tzinfo=UTC), Breaker(), []
    for _ in range(PATIENCE + 8):
        breaker = breaker.after("unknown", now=now)
        waits.append(breaker.waits_for(now))
    assert waits[: PATIENCE - 1] == [None] * (PATIENCE - 1)
    known = [one for one in waits if one]
    assert known == sorted(known)
    assert known[-1] == timedelta(minutes=2)
    assert breaker.after("refused", now=now) == Breaker()
