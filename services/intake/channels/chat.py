"""chat: a live chat, sent while it runs: the first part is the complaint, each later one is added to it.

A part has the turns since the part before. `from` counts the turns that were sent before it, so that no part is taken
twice and two that read alike are both taken.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from services.intake.channels.fields import ExternalId, Text100, Time
from services.intake.channels.form import read_form
from services.intake.channels.port import Own, Payload, Submission, cut
from shared.web.body import CleanText, FilledText, invalid

MOST_TURNS: Final = 500
_SPEAKERS: Final = {"customer": "客户", "agent": "坐席", "bot": "机器人"}
EXAMPLE: Final[Mapping[str, Any]] = {
    "conversation_id": "chat-20260303-0117",
    "from": 0,
    "turns": [
        {"speaker": "bot", "text": "您好，请问有什么可以帮您？", "at": "2026-03-03T10:00:00+08:00"},
        {"speaker": "customer", "text": "买的净水器显示签收，可我一直没收到，要求退款。"},
        {"speaker": "agent", "name": "1024", "text": "我帮您核实一下。"},
    ],
    "complainant": {"name": "邓佳", "contacts": [{"type": "phone", "value": "+8613800138000"}]},
    "references": {"order": "E20261109331"},
}


class TurnIn(BaseModel):
    """One thing that somebody said."""

    speaker: Literal["customer", "agent", "bot"]
    text: Annotated[FilledText, Field(max_length=20_000)]
    name: Text100 | None = None
    at: Time | None = None


class ChatPart(BaseModel):
    """A part of a chat; what else a complaint may have stands beside it, in the first part."""

    model_config = ConfigDict(populate_by_name=True)

    conversation_id: ExternalId
    begins: Annotated[int, Field(alias="from", ge=0, le=1_000_000)] = 0
    turns: Annotated[tuple[TurnIn, ...], Field(min_length=1, max_length=MOST_TURNS)]
    text: CleanText | None = None
    """What it is about, where somebody wrote that down: it stands before the turns."""

    @model_validator(mode="after")
    def _has_a_customer(self) -> "ChatPart":
        if self.begins == 0 and not any(one.speaker == "customer" for one in self.turns):
            raise PydanticCustomError("missing", "the first part must have words of the customer")
        return self

    def written(self) -> str:
        """What it is about and the turns as they are read, a line each."""
        turns = [f"{_SPEAKERS[one.speaker]}：{one.text}" for one in self.turns]
        return "\n".join(filter(None, (self.text, *turns)))


def read(payload: Payload, _: Own) -> Submission:
    """The complaint in a part of a chat. Raises Malformed or Invalid."""
    form = read_form(payload)
    try:
        chat = ChatPart.model_validate(form.body)
    except ValidationError as error:
        raise invalid(error) from error
    text, is_cut, whole = cut(chat.written(), name="chat.txt")
    own = {"conversation_id", "from", "turns"}
    body = {name: value for name, value in form.body.items() if name not in own}
    body |= {"text": text, "truncated": is_cut, "external_id": chat.conversation_id}
    return Submission(body, (*form.files, *whole), form.original, part=str(chat.begins))
