"""A conversation in a messenger: when it asks, when it is a complaint, and what happens after that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from services.intake.model import Turn
from services.intake.policy.conversation import MOST_KEPT, Conversation, question, said, step

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
COMPLAINED = Conversation(NOW, number="1234-5678-903")


def turn(words: str = "", **more: Any) -> Turn:
    return replace(Turn("1", "openid", NOW, b"<xml/>", words=words), **more)


@pytest.mark.parametrize("one", [
    turn(opens=True), turn("你好"), turn("在吗？"), turn("HELLO!"), turn("我要投诉"), turn(brings="image"),
    turn(brings="voice"), turn(brings="location", place="文三路1号"),
])  # fmt: skip
def test_who_has_told_nothing_yet_is_asked(one: Turn) -> None:
    assert step(None, one, now=NOW).do == "ask"


def test_the_first_words_are_the_complaint_with_what_came_before_them() -> None:
    pictured = step(None, turn(brings="image"), now=NOW).now

    told = step(pictured, turn("路灯不亮"), now=NOW)

    assert (told.do, said(told.turns)) == ("complain", "［图片］\n路灯不亮")
    assert told.now.kept == ()


@pytest.mark.parametrize("one", [turn("昨天晚上"), turn("你好"), turn(brings="image")])
def test_what_follows_a_complaint_is_added_to_it(one: Turn) -> None:
    later = step(COMPLAINED, one, now=NOW + timedelta(hours=47))

    assert (later.do, later.turns, later.now.number) == ("add", (one,), COMPLAINED.number)
    assert later.now.at == NOW + timedelta(hours=47)


def test_silence_or_the_wish_for_it_begins_anew() -> None:
    late = step(COMPLAINED, turn("又坏了"), now=NOW + timedelta(hours=49))
    wished = step(COMPLAINED, turn("新投诉"), now=NOW)

    assert (late.do, late.now.number) == ("complain", None)
    assert (wished.do, wished.now.number) == ("ask", None)
    assert step(wished.now, turn("电表不准"), now=NOW).do == "complain"


def test_an_event_that_says_nothing_changes_nothing() -> None:
    assert step(COMPLAINED, turn(), now=NOW).now == COMPLAINED
    assert step(COMPLAINED, turn(), now=NOW).do == "nothing"


def test_however_much_comes_without_words_little_is_kept() -> None:
    stands = None
    for _ in range(50):
        stands = step(stands, turn(brings="image"), now=NOW).now

    assert stands is not None
    assert len(stands.kept) == MOST_KEPT


def test_no_words_are_lost_in_any_order_of_turns() -> None:
    draw = Random(7)
    for _ in range(300):
        stands: Conversation | None = None
        taken: list[str] = []
        words = []
        for at in range(12):
            one = draw.choice(
                [turn(opens=True), turn("你好"), turn(brings="image"), turn(f"坏了{at}")]
            )
            words += [one.words] if one.words.startswith("坏了") else []
            done = step(stands, one, now=NOW)
            stands = done.now
            if done.do == "complain":
                stands = replace(stands, number="1234-5678-903")
            if done.do in ("complain", "add"):
                taken += said(done.turns).split("\n")

        assert [one for one in taken if one.startswith("坏了")] == words


def test_the_question_is_in_the_language_of_who_is_asked() -> None:
    assert question("hello").isascii()
    assert "发生了什么" in question("您好")
    assert "发生了什么" in question("")
