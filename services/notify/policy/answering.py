"""Automatic answers, and how many one address gets: two programs that answer each other must come to an end (RFC 3834).

Mails that no person wrote (automatic, from lists, bounces) open no case in intake, so they get none at all.
"""

import hmac
from datetime import timedelta
from typing import Final

from services.notify.model import DANGER, Message

MOST: Final = 3
WITHIN: Final = timedelta(days=1)
_TOKEN_BYTES: Final = 16


def is_answer(message: Message) -> bool:
    """Whether a message answers by itself what came by mail. What to do in danger is told always."""
    return bool(message.answers) and message.lane != DANGER


def token_of(address: str, key: bytes) -> str:
    """What stands for an address: nobody without the key can tell whose it is."""
    said = f"answer\0{address.strip().lower()}".encode()
    return hmac.digest(key, said, "sha256")[:_TOKEN_BYTES].hex()
