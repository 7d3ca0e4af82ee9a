"""WeChat and WeCom as they call us: they sign, seal, say when, and call again until they have an empty 200."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import httpx

_IDS = count(6054768590064713001)
KEYS = {
    # Of the platforms' own samples of code: token, EncodingAESKey, receiver.
    "wechat": ("spamtest", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG", "wx2c2769f8efd9abc2"),
    "wecom": ("QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7"),
}


def register(folder: Path, *, unit: str = "root") -> Path:
    """The operator's file with an account on each platform, its secrets beside it."""
    lines = ["accounts:"]
    for name, (token, key, receiver) in KEYS.items():
        (folder / f"{name}.token").write_text(token + "\n")
        (folder / f"{name}.aes").write_text(key + "\n")
        lines.append(
            f"  - {{name: {name}, platform: {name}, receiver: {receiver}, unit: {unit}, "
            f"token_file: {name}.token, aes_key_file: {name}.aes}}"
        )
    file = folder / "callbacks.yaml"
    file.write_text("\n".join(lines) + "\n")
    return file


@dataclass
class Platform:
    """One account's side of the platform, written from its documents and apart from the code under test."""

    client: httpx.AsyncClient
    name: str = "wechat"
    receiver: str = ""
    nonce: str = "n1"
    statuses: list[int] = field(default_factory=list)

    @property
    def _own(self) -> tuple[str, bytes, str]:
        token, key, receiver = KEYS[self.name]
        return token, base64.b64decode(key + "="), self.receiver or receiver

    def sign(self, *parts: str) -> str:
        return hashlib.sha1("".join(sorted((self._own[0], *parts))).encode()).hexdigest()  # noqa: S324 - theirs

    def seal(self, plain: bytes) -> str:
        _, key, receiver = self._own
        content = secrets.token_bytes(16) + len(plain).to_bytes(4, "big") + plain
        content += receiver.encode()
        pad = 32 - len(content) % 32
        cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
        sealed = cipher.update(content + bytes([pad]) * pad) + cipher.finalize()
        return base64.b64encode(sealed).decode()

    def open(self, answer: bytes) -> str:
        """What an answer of ours says, its signature checked."""
        text = answer.decode()
        fields = {
            one: text.split(f"<{one}>")[1].split(f"</{one}>")[0]
            for one in ("Encrypt", "MsgSignature", "TimeStamp", "Nonce")
        }
        signed = self.sign(fields["TimeStamp"], fields["Nonce"], fields["Encrypt"])
        assert signed == fields["MsgSignature"]
        _, key, receiver = self._own
        cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        plain = cipher.update(base64.b64decode(fields["Encrypt"])) + cipher.finalize()
        plain = plain[: -plain[-1]]
        length = int.from_bytes(plain[16:20], "big")
        assert plain[20 + length :].decode() == receiver
        return plain[20 : 20 + length].decode()

    def message(self, at: datetime, *, sender: str = "openid-1", **fields: Any) -> bytes:
        """The XML of what somebody sent; `MsgId` counts up unless it is given."""
        if "Event" not in fields:
            fields.setdefault("MsgId", next(_IDS))
        said = {
            "ToUserName": "gh_1", "FromUserName": sender, "CreateTime": int(at.timestamp()),
        } | fields  # fmt: skip
        inner = "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in said.items())
        return f"<xml>{inner}</xml>".encode()

    async def call(self, plain: bytes, at: datetime, **query: str) -> httpx.Response:
        """Call once, as the platform does."""
        sealed, timestamp = self.seal(plain), str(int(at.timestamp()))
        asked = {
            "signature": self.sign(timestamp, self.nonce), "timestamp": timestamp, "nonce": self.nonce,
            "encrypt_type": "aes", "msg_signature": self.sign(timestamp, self.nonce, sealed),
        } | query  # fmt: skip
        raw = f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>"
        return await self.post(raw.encode(), asked)

    async def post(self, raw: bytes, query: dict[str, str]) -> httpx.Response:
        answer = await self.client.post(
            f"/intake/v1/callbacks/{self.name}", content=raw, params=query
        )
        self.statuses.append(answer.status_code)
        return answer
