"""Providers as their documents describe them: they check and journal what they are sent, and answer in kind."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import httpx
import orjson

from services.notify.channels.calls import client
from services.notify.model import Outgoing, Traits

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
TEXT = Traits("phone")
MESSAGE = Outgoing(
    id="0198f3a2-7c1e-7d00-8a00-0123456789ab", number="1234-5678-903", to="openid-1", subject="主题", body="正文",
    language="zh", at=NOW, letter="acknowledgement", values={"number": "1234-5678-903", "link": "https://x/1"},
)  # fmt: skip


class Provider(httpx.AsyncBaseTransport):
    """Answers requests by its rules, or as the test says next."""

    def __init__(self) -> None:
        self.journal: list[dict[str, Any]] = []
        self.next: list[httpx.Response | Exception] = []
        self.client = client(self)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raw = await request.aread()
        is_form = "form-urlencoded" in request.headers.get("content-type", "")
        self.journal.append(
            {
                "method": request.method, "path": request.url.path, "query": dict(request.url.params),
                "headers": dict(request.headers), "raw": raw,
                "body": {name: one[0] for name, one in parse_qs(raw.decode()).items()} if is_form
                else orjson.loads(raw) if raw else {},
            }
        )  # fmt: skip
        if self.next:
            answer = self.next.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return httpx.Response(200, json=self.answer(self.journal[-1]))

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def asked(self, path: str) -> list[dict[str, Any]]:
        return [one for one in self.journal if one["path"] == path]


class Tokens(Provider):
    """One that gives out access tokens: each holds until the next, as WeChat and WeCom have it."""

    def __init__(self) -> None:
        super().__init__()
        self.given = 0

    def token(self) -> dict[str, Any]:
        self.given += 1
        return {"errcode": 0, "access_token": f"t{self.given}", "expires_in": 7200}

    def is_current(self, asked: dict[str, Any]) -> bool:
        return bool(asked["query"].get("access_token") == f"t{self.given}")


class Wecom(Tokens):
    """WeCom's app messages."""

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["path"] == "/cgi-bin/gettoken":
            good = asked["query"] == {"corpid": "corp", "corpsecret": "secret"}
            return self.token() if good else {"errcode": 40001, "errmsg": "invalid credential"}
        if not self.is_current(asked):
            return {"errcode": 42001, "errmsg": "access_token expired"}
        body = asked["body"]
        if body["touser"] == "gone":
            return {"errcode": 0, "errmsg": "ok", "invaliduser": "gone", "msgid": "x"}
        assert body["enable_duplicate_check"] == 1
        return {"errcode": 0, "errmsg": "ok", "msgid": "msg-1"}


class Wechat(Tokens):
    """An official account; `written_at` is when the person last wrote to it."""

    written_at = NOW - timedelta(hours=1)

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["path"] == "/cgi-bin/stable_token":
            return self.token()
        if not self.is_current(asked):
            return {"errcode": 40001, "errmsg": "invalid credential, access_token is invalid"}
        if asked["path"] == "/cgi-bin/message/custom/send":
            is_open = NOW - self.written_at < timedelta(hours=48)
            return {"errcode": 0 if is_open else 45015, "errmsg": "x"}
        assert len(asked["body"]["client_msg_id"]) <= 32
        return {"errcode": 0, "errmsg": "ok", "msgid": 200228332}


class Dingtalk(Provider):
    """A robot with a signature: it must be right, and less than an hour old."""

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        timestamp, secret = asked["query"]["timestamp"], "SECabc"
        digest = hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256)
        is_fresh = abs(NOW.timestamp() * 1000 - int(timestamp)) < 3_600_000
        is_right = asked["query"]["sign"] == base64.b64encode(digest.digest()).decode()
        return {"errcode": 0 if is_fresh and is_right else 310000, "errmsg": "x"}


class Feishu(Provider):
    """A robot that signs nothing under a key of time and secret."""

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        body = asked["body"]
        digest = hmac.new(f"{body['timestamp']}\nfs".encode(), digestmod=hashlib.sha256).digest()
        is_right = body["sign"] == base64.b64encode(digest).decode()
        return (
            {"code": 0, "msg": "success"} if is_right else {"code": 19021, "msg": "sign match fail"}
        )


class Sms(Provider):
    """An SMS provider with templates, a signed query and receipts."""

    def __init__(self, answering: Callable[[dict[str, Any]], dict[str, Any]] | None = None) -> None:
        super().__init__()
        self._answering = answering

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self._answering:
            return self._answering(asked)
        over = f"13800000000:{int(NOW.timestamp())}"
        right = hmac.new(b"k" * 16, over.encode(), hashlib.sha256).hexdigest()
        if asked["headers"].get("x-sign") != right:
            return {"Code": "SignatureDoesNotMatch"}
        return {"Code": "OK", "BizId": "biz-9"}
