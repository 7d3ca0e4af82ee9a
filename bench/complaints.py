"""The complaints that are posted: about 0.9 kB of JSON each, Chinese and English, with a mail address."""

import itertools
import json
from typing import Final

_CHINESE: Final = (
    "我家的电表从上周开始一直有异响，客服电话打了三次都说会派人上门，但是到今天已经第八天了仍然没有任何人来过。"
    "这个月的电费比上个月多了将近两倍，家里只有两位老人，用电习惯没有变化，请尽快核实抄表数据并退还多收的费用。"
    "如果再没有答复，我会向监管部门反映。联系电话 13800138000。"
)
_ENGLISH: Final = (
    "The washing machine that I bought from you last month has leaked twice, and both times the kitchen floor was "
    "flooded. Your hotline promised a technician within two working days; that was nine days ago and nobody has come "
    "or even called. Please repair or replace it, and pay for the damaged floor. I keep photos and the receipt. "
    "You can reach me on +44 20 7946 0958 after six in the evening, on any day except Sunday."
)


def _complaint(text: str, *, english: bool, mail: str) -> dict[str, object]:
    return {
        "text": text,
        "channel": "web",
        "subject": "Leaking machine, no answer" if english else "电表异响，多次报修无人上门",
        "language": "en" if english else "zh",
        "complainant": {
            "name": "Jane Miller" if english else "王秀英",
            "contacts": [{"type": "email", "value": mail}],
            "preferred_channel": "email",
        },
        "references": {"order_no": "SO-20260114-0093"},
        "product": "WM-700" if english else "智能电表",
        "location": {
            "area": "north",
            "address": "12 Station Road" if english else "解放路 88 号 3 栋 502 室",
        },
        "occurred_at": "2026-01-14T09:30:00+08:00",
        "remedy_sought": "repair and refund" if english else "尽快上门并退费",
    }


def bodies(count: int = 64) -> tuple[bytes, ...]:
    """Different bodies, half of them Chinese; who posts them goes through them again and again."""
    return tuple(
        json.dumps(
            _complaint(
                f"{_ENGLISH if at % 2 else _CHINESE} ({at})",
                english=bool(at % 2),
                mail=f"customer{at}@example.com",
            ),
            ensure_ascii=False,
            separators=(",", ":"),
        ).encode()
        for at in range(count)
    )


class Requests:
    """Makes POST requests, each with an Idempotency-Key of its own, as bytes."""

    def __init__(self, path: str, *, port: int, key: str, run: str) -> None:
        self._bodies = itertools.cycle(bodies())
        self._numbers = itertools.count()
        self._run = run
        self._start = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\n"
        )

    def __next__(self) -> bytes:
        body = next(self._bodies)
        head = f"Idempotency-Key: {self._run}-{next(self._numbers)}\r\nContent-Length: {len(body)}\r\n\r\n"
        return (self._start + head).encode() + body
