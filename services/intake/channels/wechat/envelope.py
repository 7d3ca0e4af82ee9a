"""How both platforms sign and encrypt: SHA-1 over the sorted parts, AES-256-CBC, the receiver's id inside.

Theirs to choose, not ours (developers.weixin.qq.com, "消息加解密说明"; developer.work.weixin.qq.com, "加解密方案说明").
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

OLDEST: Final = timedelta(minutes=5)
"""How far a callback's time may be from ours."""
RANDOM_BYTES: Final = 16
_BLOCK: Final = 32
_LENGTH_BYTES: Final = 4


class Refused(Exception):
    """It is not from the platform, not for us, or too old: which of these is nobody's business."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Opens and seals what goes between a platform and one account of ours."""

    token: str = field(repr=False)
    key: bytes = field(repr=False)
    receiver: str
    """The AppID of an official account, the CorpID of a company."""

    def open(
        self, sealed: str, *, signature: str, timestamp: str, nonce: str, now: datetime
    ) -> bytes:
        """What was sealed. Raises Refused."""
        self.must_be_signed(signature, timestamp, nonce, sealed)
        must_be_fresh(timestamp, now)
        return self._decrypt(sealed)

    def must_be_signed(self, signature: str, *parts: str) -> None:
        """Raise Refused unless the platform signed these parts."""
        if not hmac.compare_digest(self._signed(*parts).encode(), signature.encode()):
            raise Refused

    def seal(self, plain: bytes, *, timestamp: str, nonce: str, random: bytes) -> dict[str, str]:
        """The fields of an answer that the platform will open. `random`: RANDOM_BYTES that were never used before."""
        content = (
            random + len(plain).to_bytes(_LENGTH_BYTES, "big") + plain + self.receiver.encode()
        )
        pad = _BLOCK - len(content) % _BLOCK
        encryptor = self._cipher().encryptor()
        sealed = encryptor.update(content + bytes([pad]) * pad) + encryptor.finalize()
        text = base64.b64encode(sealed).decode()
        signature = self._signed(timestamp, nonce, text)
        return {"Encrypt": text, "MsgSignature": signature, "TimeStamp": timestamp, "Nonce": nonce}

    def _decrypt(self, sealed: str) -> bytes:
        try:
            raw = base64.b64decode(sealed, validate=True)
            decryptor = self._cipher().decryptor()
            padded = decryptor.update(raw) + decryptor.finalize()
        except (binascii.Error, ValueError) as error:
            raise Refused from error
        content = _unpadded(padded)
        begins = RANDOM_BYTES + _LENGTH_BYTES
        ends = begins + int.from_bytes(content[RANDOM_BYTES:begins], "big")
        if len(content) < begins or not hmac.compare_digest(content[ends:], self.receiver.encode()):
            raise Refused
        return content[begins:ends]

    def _cipher(self) -> Cipher[CBC]:
        return Cipher(AES(self.key), CBC(self.key[: AES.block_size // 8]))

    def _signed(self, *parts: str) -> str:
        joined = "".join(sorted((self.token, *parts)))
        return hashlib.sha1(joined.encode(), usedforsecurity=False).hexdigest()


def must_be_fresh(timestamp: str, now: datetime) -> None:
    """Raise Refused unless it is a time of Unix, near ours."""
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > len("1409659813"):
        raise Refused
    if abs(int(timestamp) - now.timestamp()) > OLDEST.total_seconds():
        raise Refused


def _unpadded(padded: bytes) -> bytes:
    count = padded[-1] if padded else 0
    if not 1 <= count <= _BLOCK or padded[-count:] != bytes([count]) * count:
        raise Refused
    return padded[:-count]
