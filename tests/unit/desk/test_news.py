"""Whose screen an event is news for."""

import pytest

from services.desk.policy.news import Wish, is_news

CASE = {"unit": "east", "data": {"number": "1", "owner": {"handler": "li", "team": None}}}
GIVEN = {"unit": "east", "data": {"number": "1", "handler": "li"}}
HERE = frozenset({"east"})


@pytest.mark.parametrize(
    ("wish", "event", "wanted"),
    [
        (Wish(HERE), CASE, True),
        (Wish(HERE, number="1"), CASE, True),
        (Wish(HERE, number="2"), CASE, False),
        (Wish(HERE, handler="li"), CASE, True),
        (Wish(HERE, handler="li"), GIVEN, True),
        (Wish(HERE, handler="wang"), CASE, False),
        (Wish(frozenset({"west"}), number="1"), CASE, False),
    ],
)
def test_an_event_is_news_for_screens_in_reach_that_show_its_case(
    wish: Wish, event: dict[str, object], wanted: bool
) -> None:
    assert is_news(wish, event) is wanted
