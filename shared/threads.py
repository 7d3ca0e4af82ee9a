"""The thread of a mail: our Message-IDs name the message and the complaint, with a proof that we made them.

Mail programs give a Message-ID back in References and In-Reply-To, and reports in the headers that they return. Whoever
has never had a mail of ours cannot make one up.
"""

import hmac
import re
from base64 import b32decode, b32encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

PROOF_BYTES: Final = 10
_ID: Final = re.compile(
    r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([0-9]{11})\.([a-z2-7]{16})@"
)
_TAG: Final = re.compile(r"\+([a-z2-7]{48})@")
_NUMBER_BYTES: Final = 5
_TAG_PROOF_BYTES: Final = 9
_LONGEST_LOCAL: Final = 64
"""Of an address before its `@` (RFC 5321, 4.5.3.1.1)."""


@dataclass(frozen=True, slots=True)
class Thread:
    """A message of ours, and the number of the complaint it was about."""

    message: str
    number: str


def message_id(key: bytes, *, message: str, number: str, domain: str) -> str:
    """The Message-ID of one of our mails; always the same for the same message."""
    digits = number.replace("-", "")
    return f"<{message}.{digits}.{_proof(key, message, digits)}@{domain}>"


def return_address(key: bytes, *, message: str, number: str, sender: str) -> str:
    """Where one of our mails is returned to if it cannot be delivered (VERP): the sender with a tag that names it.

    The sender itself where the tag makes it longer than an address may be.
    """
    local, _, domain = sender.rpartition("@")
    digits = int(number.replace("-", "")).to_bytes(_NUMBER_BYTES, "big")
    payload = UUID(message).bytes + digits
    tag = b32encode(payload + _tag_proof(key, payload)).decode().lower()
    tagged = f"{local.partition('+')[0]}+{tag}"
    return f"{tagged}@{domain}" if len(tagged) <= _LONGEST_LOCAL else sender


def threads_in(key: bytes, text: str) -> Iterator[Thread]:
    """The threads of ours that a text names by id, in its order, then by return address; only what is proven."""
    for message, digits, proof in _ID.findall(text.lower()):
        if hmac.compare_digest(proof, _proof(key, message, digits)):
            yield Thread(message, _written(digits))
    for tag in _TAG.findall(text.lower()):
        raw = b32decode(tag.upper())
        payload, proof_ = raw[:-_TAG_PROOF_BYTES], raw[-_TAG_PROOF_BYTES:]
        if hmac.compare_digest(proof_, _tag_proof(key, payload)):
            digits = f"{int.from_bytes(payload[-_NUMBER_BYTES:], 'big'):011}"
            yield Thread(str(UUID(bytes=payload[:-_NUMBER_BYTES])), _written(digits))


def _written(digits: str) -> str:
    return f"{digits[:4]}-{digits[4:8]}-{digits[8:]}"


def _tag_proof(key: bytes, payload: bytes) -> bytes:
    return hmac.digest(key, b"return\0" + payload, "sha256")[:_TAG_PROOF_BYTES]


def _proof(key: bytes, message: str, digits: str) -> str:
    digest = hmac.digest(key, f"thread\0{message}\0{digits}".encode(), "sha256")
    return b32encode(digest[:PROOF_BYTES]).decode().lower()
