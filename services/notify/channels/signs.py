"""Signatures that providers ask for."""

import base64
import hmac
from datetime import datetime


def dingtalk(secret: str, at: datetime) -> dict[str, str]:
    """Query parameters of a DingTalk robot: HMAC-SHA256 over milliseconds, a newline and the secret."""
    timestamp = str(int(at.timestamp() * 1000))
    digest = hmac.digest(secret.encode(), f"{timestamp}\n{secret}".encode(), "sha256")
    return {"timestamp": timestamp, "sign": base64.b64encode(digest).decode()}


def feishu(secret: str, at: datetime) -> dict[str, str]:
    """Fields of a Feishu robot's body: HMAC-SHA256 of nothing under seconds, a newline and the secret."""
    timestamp = str(int(at.timestamp()))
    digest = hmac.digest(f"{timestamp}\n{secret}".encode(), b"", "sha256")
    return {"timestamp": timestamp, "sign": base64.b64encode(digest).decode()}
