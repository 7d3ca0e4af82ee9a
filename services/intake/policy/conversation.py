"""A conversation in a messenger: what somebody says, turn by turn, until it is a complaint; and after that.

The first words that tell something are the complaint, at once: no clock and no danger waits for a form to be filled.
Whoever begins without words is asked for them. What else is missing the acknowledgement asks for, in the same
conversation; what is answered there, and all that follows, is added to the complaint.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from services.intake.model import Turn

SILENCE: Final = timedelta(hours=48)
"""After so long without a word the next words are about something new: the platforms let us answer for as long."""
MOST_KEPT: Final = 9
"""Turns without words that are kept until words come; older ones go."""
_GREETINGS: Final = frozenset({
    "你好", "您好", "你们好", "在吗", "在么", "有人吗", "有人在吗", "请问", "喂", "人工", "人工客服", "转人工",
    "hi", "hello", "hey", "hello there", "anybody there", "anyone there",
})  # fmt: skip
_BEGIN: Final = frozenset({
    "投诉", "我要投诉", "我想投诉", "新投诉", "再投诉", "重新投诉", "complaint", "complain", "new complaint",
    "i want to complain", "another complaint",
})  # fmt: skip
_NOISE: Final = " \t\r\n\u3000。.，,！!？?~～…"
_BROUGHT: Final = {
    "image": "［图片］",
    "voice": "［语音］",
    "video": "［视频］",
    "file": "［文件］",
    "location": "［位置］",
}
Do = Literal["nothing", "ask", "complain", "add"]


@dataclass(frozen=True, slots=True)
class Conversation:
    """Where a conversation stands. `number`: the complaint that it became; None while there is none."""

    at: datetime
    kept: tuple[Turn, ...] = ()
    number: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Where it stands now, and what is to be done. `turns`: what the complaint or message consists of."""

    now: Conversation
    do: Do
    turns: tuple[Turn, ...] = ()


def step(before: Conversation | None, turn: Turn, *, now: datetime) -> Step:
    """What follows from one turn."""
    stands = _standing(before, now)
    plain = turn.words.strip(_NOISE).lower()
    if turn.opens or plain in _BEGIN:
        return Step(Conversation(now, () if stands.number else stands.kept), "ask")
    if not plain and not turn.brings:
        return Step(stands, "nothing")
    if stands.number is not None:
        return Step(replace(stands, at=now), "add", (turn,))
    if plain in _GREETINGS:
        return Step(replace(stands, at=now), "ask")
    if plain:
        return Step(Conversation(now), "complain", (*stands.kept, turn))
    return Step(Conversation(now, (*stands.kept, turn)[-MOST_KEPT:]), "ask")


def said(turns: tuple[Turn, ...]) -> str:
    """The words of several turns, in their order."""
    lines = [one.words or _BROUGHT.get(one.brings or "", "") for one in turns]
    return "\n".join(filter(None, lines))


def question(words: str) -> str:
    """What is asked of somebody who has not told anything yet, in their language."""
    if words.isascii() and any(one.isalpha() for one in words):
        return (
            "Please tell us in a message what happened, when and where. Your complaint is registered with it at once; "
            "pictures and voice messages may follow."
        )
    return (
        "请直接发送文字，说明发生了什么、何时何地。收到后立即为您登记投诉；图片、语音可随后补充。"
    )


def _standing(before: Conversation | None, now: datetime) -> Conversation:
    if before is None or now - before.at > SILENCE:
        return Conversation(now)
    return before
