"""Whether somebody asks us to stop: a whole message that says nothing else."""

import re
from typing import Final

_WORDS: Final = re.compile(
    r"(?i)\s*[\"“「]?(退订|td|t|stop|unsubscribe|不要再发(短信|消息|邮件)?了?)[\"”」]?\s*[.!。！]?\s*\Z"
)
_AGAIN: Final = re.compile(r"(?i)\s*(恢复订阅|订阅|start|subscribe)\s*[.!。！]?\s*\Z")


def asks_to_stop(text: str) -> bool:
    """The words that people use by custom; in a longer message they say something else."""
    return _WORDS.match(text) is not None


def asks_to_go_on(text: str) -> bool:
    """The way back."""
    return _AGAIN.match(text) is not None
