"""Signatures, schedules, and where we never connect to."""

from __future__ import annotations

import asyncio
import base64
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.notify.channels.addresses import NotAllowed, read_allowed, target_of
from services.notify.channels.guarded import Poster, resolve
from services.notify.channels.signature import headers, live_secrets, secret_of
from services.notify.policy.deliveries import health_after, next_delivery

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
KEY = bytes(range(32))


def test_the_vector_that_standard_webhooks_publishes_verifies() -> None:
    signed = headers(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        id_="msg_p5jXN8AQM9LWM0D4loKWxJek",
        at=datetime.fromtimestamp(1614265330, UTC),
        body=b'{"test": 2432232314}',
    )
    assert signed == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_after_a_rotation_both_secrets_sign_for_a_day_and_then_the_new_one_alone() -> None:
    def live(at: datetime) -> list[str]:
        return live_secrets(KEY, "w", generation=2, old_until=NOW + timedelta(days=1), now=at)

    both = live(NOW)
    assert both == [secret_of(KEY, "w", 2), secret_of(KEY, "w", 1)]
    assert live(NOW + timedelta(days=1)) == both[:1]
    signatures = headers(both, id_="i", at=NOW, body=b"{}")["webhook-signature"].split()
    for secret, signature in zip(both, signatures, strict=True):
        key = base64.b64decode(secret.removeprefix("whsec_"))
        digest = hmac.digest(key, f"i.{int(NOW.timestamp())}.{{}}".encode(), "sha256")
        assert signature == "v1," + base64.b64encode(digest).decode()
    assert secret_of(KEY, "v", 1) != secret_of(KEY, "w", 1)


def test_tries_come_as_standard_webhooks_advises_and_go_on_after_the_last() -> None:
    def waits(jitter: float) -> list[float]:
        return [
            (next_delivery(attempts=at, now=NOW, asked=None, jitter=jitter) - NOW).total_seconds()
            for at in range(1, 10)
        ]

    assert waits(0.5) == [5, 300, 1800, 7200, 18000, 36000, 36000, 36000, 36000]
    assert waits(0.0)[0] == 4
    assert waits(1.0)[0] == 6
    asked = next_delivery(attempts=1, now=NOW, asked=60, jitter=0.5)
    assert asked == NOW + timedelta(minutes=1)


def test_after_five_days_of_failing_or_a_410_it_is_left_alone() -> None:
    def health(status: int | None, days: float) -> str:
        return health_after(status=status, failing_since=NOW - timedelta(days=days), now=NOW)

    assert health(500, 4.9) == "active"
    assert health(None, 5) == "failing"
    assert health(410, 0) == "gone"
    assert health_after(status=500, failing_since=None, now=NOW) == "active"


PRIVATE = (
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",  # noqa: S104
    "224.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.0.8", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1",
    "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
    "2001:0:7f00:1::", "::127.0.0.1", "100::1", "2001:db8::1",
)  # fmt: skip
HOSTILE = (
    *(f"https://rebound-{at}.example.com/" for at in range(len(PRIVATE))),
    "https://localhost/", "https://localhost./", "https://127.1/", "https://2130706433/", "https://0x7f000001/",
    "https://0177.0.0.1/", "https://127.0.0.1:8443/", "https://[::1]/", "https://[::ffff:7f00:1]/",
    "https://[fe80::1%25lo]/", "https://127.0.0.1%00.example.com/", "https://good.example.com@127.0.0.1/",
    "https://127.0.0.1#@good.example.com/", "https://good.example.com:22/", "https://good.example.com:80/",
    "https://good.example.com:0/", "https://good.example.com:99999/", "http://good.example.com/",
    "http://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1:70/_", "ftp://good.example.com/",
    "javascript:alert(1)", "//good.example.com/", "https:///x", "https://", "", "https://good.example.com\\@127.0.0.1/",
    "https://good.example.com/ x", "https://good.example.com/\r\nHost: x", "https://ⓛocalhost/",
    "https://mixed.example.com/", "https://nothing.example.com/", "https://exa mple.com/",
)  # fmt: skip


async def resolving(host: str, port: int) -> list[str]:
    """The names of this page; whatever is no name of ours is asked of the system."""
    if host.startswith("rebound-"):
        return [PRIVATE[int(host.partition("-")[2].partition(".")[0])]]
    known = {
        "good.example.com": ["93.184.216.34"],
        "mixed.example.com": ["93.184.216.34", "127.0.0.1"],
    }
    if host.endswith("example.com"):
        return known.get(host, [])
    return [*await resolve(host, port)]


async def test_sixty_hostile_addresses_get_no_connection() -> None:
    """INVARIANT: nobody makes this machine connect to itself or its neighbours by naming an address.

    Judging the text of the URL instead of the address that is connected to would break this.
    """
    assert len(HOSTILE) == 60
    connected: list[object] = []

    async def sink(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.append(writer.get_extra_info("peername"))
        writer.close()

    server = await asyncio.start_server(sink, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    poster = Poster((), resolver=resolving)
    async with server:
        for url in (*HOSTILE, f"https://127.0.0.1:{port}/", f"http://127.0.0.1:{port}/"):
            outcome = await poster.post(url, body=b"{}", headers={})
            assert outcome.is_ours, (url, outcome)
    assert connected == []
    await poster.close()


def answering(status: int, content: bytes = b"", **more: Any) -> httpx.Response:
    return httpx.Response(status, stream=httpx.ByteStream(content), **more)


class Receiver(httpx.AsyncBaseTransport):
    def __init__(self, *answers: httpx.Response) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answers.pop(0) if self.answers else answering(204)


async def test_the_connection_goes_to_the_address_that_was_judged_under_the_name_s_certificate() -> (
    None
):
    receiver, answers = Receiver(), iter([["93.184.216.34"], ["127.0.0.1"]])

    async def rebinding(_host: str, _port: int) -> list[str]:
        return next(answers)

    poster = Poster((), resolver=rebinding, transport=receiver)
    first = await poster.post("https://hook.example.com/in?a=1", body=b"{}", headers={})
    second = await poster.post("https://hook.example.com/in?a=1", body=b"{}", headers={})

    assert first.is_taken
    assert second.is_ours
    [request] = receiver.requests
    assert str(request.url) == "https://93.184.216.34/in?a=1"
    assert request.headers["host"] == "hook.example.com"
    assert request.extensions["sni_hostname"] == "hook.example.com"


async def test_a_redirect_is_not_followed_and_a_flood_is_cut_off() -> None:
    redirect = answering(307, headers={"Location": "https://169.254.169.254/"})
    flood = answering(200, b"x" * 5_000_000)
    receiver = Receiver(redirect, flood)
    poster = Poster((), resolver=resolving, transport=receiver)

    assert not (await poster.post("https://good.example.com/", body=b"", headers={})).is_taken
    assert (await poster.post("https://good.example.com/", body=b"", headers={})).is_taken
    assert len(receiver.requests) == 2


async def test_the_operator_may_let_us_reach_a_private_receiver_on_its_port_alone() -> None:
    receiver = Receiver()
    poster = Poster(read_allowed("127.0.0.0/8:9000, [fd00::/8]:443"), transport=receiver)

    assert (await poster.post("http://127.0.0.1:9000/", body=b"", headers={})).is_taken
    assert (await poster.post("http://127.0.0.1:9001/", body=b"", headers={})).is_ours
    assert (await poster.post("http://[::1]:9000/", body=b"", headers={})).is_ours
    with pytest.raises(ValueError, match="10/x"):
        read_allowed("10/x")
    with pytest.raises(NotAllowed):
        target_of("https://" + "a" * 3_000)
