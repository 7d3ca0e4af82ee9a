"""The operator's file of feeds (`REDRESS_FEEDS`): where posts and reviews are fetched, and which field is which."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from services.intake.channels.social import Platform, Post
from shared.setting_files import read_described, read_secret
from shared.web.json import at_place

SETTING: Final = "REDRESS_FEEDS"
MOST_ITEMS: Final = 500
"""Of one answer; what is more comes with the next, where the feed gives the newest first."""
LARGEST: Final = 5 * 1024 * 1024
Place = Annotated[str, Field(pattern=r"^[A-Za-z0-9_$-]+(\.[A-Za-z0-9_$-]+)*$")]


class Feed(BaseModel):
    """One feed that answers GET with JSON. Places are paths into it: `data.items`, `user.name`, `images.0`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
    url: Annotated[str, Field(pattern=r"^https?://\S+$")]
    platform: Platform
    unit: str | None = None
    every_seconds: Annotated[int, Field(ge=30, le=86_400)] = 300
    headers: Mapping[str, str] = {}
    """`{secret}` in a value stands for what `secret_file` holds."""
    secret_file: Path | None = None
    items: Place | None = None
    """Where the list is; None: the answer is the list."""
    fields: Mapping[str, Place]
    """Which field of a post is where."""
    most_rating: float | None = Field(default=None, ge=0, le=5)
    """Reviews with more are not taken."""

    @field_validator("fields")
    @classmethod
    def _are_of_a_post(cls, fields: Mapping[str, str]) -> Mapping[str, str]:
        known = set(Post.model_fields) - {"platform"}
        if strange := sorted(set(fields) - known):
            raise ValueError(
                f"{strange[0]} is no field of a post: take of {', '.join(sorted(known))}"
            )
        if lacking := {"post_id", "text"} - set(fields):
            raise ValueError(f"{min(lacking)} must be there")
        return fields

    def posts(self, answer: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON
        """The posts in an answer, in the form of the door for posts. Raises ValueError where there is no list."""
        found = at_place(answer, self.items) if self.items else answer
        if not isinstance(found, list):
            raise ValueError(f"there is no list at {self.items or 'the top'}")  # noqa: TRY004
        for one in found[:MOST_ITEMS]:
            post = {name: at_place(one, place) for name, place in self.fields.items()}
            post = {name: value for name, value in post.items() if value is not None}
            # Ids come as numbers in JSON as often as not.
            if isinstance(post.get("post_id"), int):
                post["post_id"] = str(post["post_id"])
            if self._is_wanted(post):
                yield post | {"platform": self.platform}

    def _is_wanted(self, post: Mapping[str, Any]) -> bool:
        rating = post.get("rating")
        if self.most_rating is None or not isinstance(rating, int | float):
            return True
        return rating <= self.most_rating


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    feeds: tuple[Feed, ...]


def read_feeds(file: Path) -> tuple[Feed, ...]:
    """The feeds, their secrets put in. Raises SettingsError that names the place."""
    said = read_described(SETTING, file, _File)
    return tuple(_with_secret(one, file) for one in said.feeds)


def _with_secret(feed: Feed, file: Path) -> Feed:
    if feed.secret_file is None:
        return feed
    secret = read_secret(SETTING, file.parent / feed.secret_file)
    headers = {name: value.replace("{secret}", secret) for name, value in feed.headers.items()}
    return feed.model_copy(update={"headers": headers})
