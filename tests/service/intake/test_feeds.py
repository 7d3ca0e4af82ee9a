"""Feeds described by data: what they recorded is taken once, what is broken in them stops nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest

from services.intake.api.feeds import Feeds
from services.intake.channels.feeds import read_feeds
from shared.settings import SettingsError
from shared.web.json import at_place
from tests.service.intake.doors import count, original, shown
from tests.world import open_world

if TYPE_CHECKING:
    from services.intake.channels.feeds import Feed

FILE = """
feeds:
  - name: reviews
    url: https://reviews.example.com/api/latest
    platform: dianping
    headers: {Authorization: "Token {secret}"}
    secret_file: reviews.secret
    items: data.list
    fields: {post_id: id, text: content, author: user.nick, rating: star, reach: user.fans, link: url}
    most_rating: 3
"""
RECORDED: dict[str, Any] = {"data": {"list": [
    {"id": 901, "content": "上菜慢，还有头发", "user": {"nick": "小李", "fans": 120}, "star": 1, "url": "https://r.example.com/901"},
    {"id": 902, "content": "很好吃", "user": {"nick": "小王"}, "star": 5},
    {"id": 903, "content": " ", "star": 1},
    {"id": 904, "content": "态度差", "user": {}, "star": 2},
]}}  # fmt: skip


def described(folder: Path, text: str = FILE) -> tuple[Feed, ...]:
    (folder / "reviews.secret").write_text("s3cret\n")
    (folder / "feeds.yaml").write_text(text)
    return read_feeds(folder / "feeds.yaml")


@pytest.mark.req("R-126")
async def test_a_recorded_feed_becomes_complaints_once_however_often_it_is_fetched(
    tmp_path: Path,
) -> None:
    described(tmp_path)
    asked: list[httpx.Request] = []
    answers = [httpx.Response(200, json=RECORDED)] * 2 + [
        httpx.Response(302, headers={"Location": "http://169.254.169.254/"}),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(200, json={"data": {}}),
    ]

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answers[len(asked) - 1]

    async with open_world(
        tmp_path / "data", services=("desk", "intake"), feeds=str(tmp_path / "feeds.yaml")
    ) as world:
        owners = [getattr(one, "__self__", None) for one in world.service("intake").service.loops]
        [feeds] = [one for one in owners if isinstance(one, Feeds)]
        feeds._transport = httpx.MockTransport(answer)
        [feed] = feeds.feeds

        taken = [await feeds.fetch(feed), await feeds.fetch(feed)]
        for _ in range(3):
            with pytest.raises(ValueError, match=r"answered 302|list|JSON|unexpected"):
                await feeds.fetch(feed)

        assert (taken, await count(world)) == ([2, 2], 2)
        listed = (await world.get("/intake/v1/complaints?channel=social")).json()["items"]
        first = await shown(world, min(listed, key=lambda one: str(one["id"]))["number"])
        assert first["post"]["rating"] == 1.0
        assert first["post"]["reach"] == 120
        assert "https://r.example.com/901" in (await original(world, first["number"]))["payload"]
        assert {one.headers["authorization"] for one in asked} == {"Token s3cret"}


@pytest.mark.parametrize(("change", "says"), [
    (("star", "st ar"), "rating"), (("rating: star", "stars: star"), "no field of a post"),
    (("post_id: id, ", ""), "post_id must be there"), (("https://", "file://"), "url"),
    (("reviews.secret", "none.secret"), "none.secret"), (("feeds:", "feeds: ["), "is no YAML"),
])  # fmt: skip
def test_a_wrong_description_is_named(tmp_path: Path, change: tuple[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        described(tmp_path, FILE.replace(*change))


def test_a_place_leads_into_lists_and_objects_and_nowhere_else() -> None:
    document = orjson.loads('{"a": {"b": [{"c": 1}]}, "t": "text"}')

    assert at_place(document, "a.b.0.c") == 1
    assert [at_place(document, one) for one in ("a.b.1.c", "a.x", "t.0", "a.b.c")] == [None] * 4
