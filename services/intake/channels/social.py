"""social: a post, a review or a comment somewhere, with what tells how far it is heard.

Author and link stay in the vault, with the words as received: a link leads to a person. Events carry platform, rating
and reach.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, Field, StringConstraints, ValidationError

from services.intake.channels.fields import ExternalId, Text2k, Text200, Time
from services.intake.channels.form import read_form
from services.intake.channels.port import Own, Payload, Submission, cut
from shared.web.body import FilledText, invalid

EXAMPLE: Final[Mapping[str, Any]] = {
    "post_id": "5012345678901234",
    "platform": "weibo",
    "kind": "post",
    "author": "净水器受害者",
    "link": "https://weibo.example.com/detail/5012345678901234",
    "reach": 12000,
    "is_public": True,
    "posted_at": "2026-03-03T10:00:00+08:00",
    "text": "买的净水器显示签收，可我一直没收到，客服不理人！",
}
Platform = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,29}$")]
Rating = Annotated[float, Field(ge=0, le=5)]
Reach = Annotated[int, Field(ge=0, le=10_000_000_000)]


class Post(BaseModel):
    """What a platform says of a post; what else a complaint may have stands beside it."""

    post_id: ExternalId
    platform: Platform
    kind: Literal["post", "review", "comment"] = "post"
    author: Text200 | None = None
    link: Annotated[Text2k, StringConstraints(pattern=r"^https?://\S+$")] | None = None
    rating: Rating | None = None
    """Out of five."""
    reach: Reach | None = None
    """How many follow whoever wrote it, or have seen it."""
    is_public: bool = True
    posted_at: Time | None = None
    text: FilledText


def read(payload: Payload, _: Own) -> Submission:
    """The complaint in a post. Raises Malformed or Invalid."""
    form = read_form(payload)
    try:
        post = Post.model_validate(form.body)
    except ValidationError as error:
        raise invalid(error) from error
    text, is_cut, whole = cut(post.text, name="post.txt")
    body = {name: value for name, value in form.body.items() if name not in Post.model_fields}
    body |= {
        "text": text,
        "truncated": is_cut,
        "external_id": f"{post.platform}/{post.post_id}"[:255],
        "post": post.model_dump(include={"platform", "kind", "rating", "reach", "is_public"}),
    }
    if post.author and not body.get("complainant"):
        body["complainant"] = {"name": post.author}
    return Submission(body, (*form.files, *whole), form.original)
