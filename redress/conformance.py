"""What an adapter relies on, tried at one channel's door with one payload: the checks of `redress adapter check`."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from shared.ids import new_id

JSON: Final = "application/json"
MAIL: Final = "message/rfc822"
AT_ONCE: Final = 10
TOO_LONG: Final = 1_048_577
"""Bytes of a complaint as JSON: one more than is taken."""
SKEW: Final = timedelta(minutes=10)
"""How wrong a clock may not be: five minutes ahead is borne."""
BROKEN: Final[Mapping[str, bytes]] = {
    "cut off": b'{"text": "a',
    "no object": b'["a"]',
    "not UTF-8": b'{"text": "\xff\xfe"}',
    "a key twice": b'{"text": "a", "text": "b"}',
    "NaN": b'{"text": "a", "occurred_at": NaN}',
    "nested without end": b'{"text": ' + b"[" * 5_000,
    "half a character": b'{"text": "\\ud800"}',
    "empty": b"",
}


@dataclass(frozen=True, slots=True)
class Result:
    """How one check ended; `said_zh` and `said_en` are empty where it held."""

    name: str
    zh: str
    en: str
    state: str
    """`held`, `failed`, or `skipped`."""
    said_zh: str = ""
    said_en: str = ""


class Failed(Exception):
    """What was found instead, in Chinese and English."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


class Skipped(Failed):
    """The payload has not what the check needs."""


@dataclass(slots=True)
class Probe:
    """One door and a payload for it. `unit` is where what is made belongs: one that can be purged."""

    http: httpx.Client
    channel: str
    payload: bytes
    media_type: str
    now: datetime
    unit: str | None = None
    key: str = field(default_factory=new_id)
    number: str = ""

    def bring(
        self, content: bytes | None = None, *, key: str | None = None, **query: str
    ) -> httpx.Response:
        """Bring a payload to the door, the probe's own where none is given."""
        headers = {"Content-Type": self.media_type} | ({"Idempotency-Key": key} if key else {})
        if self.unit is not None:
            query.setdefault("unit", self.unit)
        raw = self.payload if content is None else content
        path = f"/intake/v1/channels/{self.channel}"
        return self.http.post(path, content=raw, headers=headers, params=query)

    def changed(self, **fields: object) -> bytes:
        """The payload with other fields. Raises Skipped where it is no JSON object."""
        if self.media_type != JSON:
            raise Skipped("报文不是 JSON", "the payload is no JSON")
        return json.dumps(json.loads(self.payload) | fields).encode()


Check = Callable[[Probe], None]


def run(probe: Probe) -> Iterator[Result]:
    """Try every check, each after the other; one that fails stops nothing."""
    for name, (zh, en, check) in CHECKS.items():
        try:
            check(probe)
        except Skipped as why:
            yield Result(name, zh, en, "skipped", why.zh, why.en)
        except Failed as why:
            yield Result(name, zh, en, "failed", why.zh, why.en)
        else:
            yield Result(name, zh, en, "held")


def _taken(probe: Probe) -> None:
    answer = probe.bring(key=probe.key)
    _must(answer, 202)
    probe.number = str(answer.json().get("number") or answer.json().get("id"))


def _retried(probe: Probe) -> None:
    answer = probe.bring(key=probe.key)
    _must(answer, 202)
    _must_be_the_same(probe, [answer])
    if answer.headers.get("Idempotent-Replayed") != "true":
        raise Failed("重发没有标记 Idempotent-Replayed", "it is not marked Idempotent-Replayed")


def _duplicate(probe: Probe) -> None:
    answer = probe.bring()
    _must(answer, 202)
    if _number(answer) != probe.number:
        raise Failed(
            f"同一报文成了两件投诉（{probe.number} 与 {_number(answer)}）：请在报文中给出来源系统的编号",
            f"the same payload became two ({probe.number} and {_number(answer)}): let it carry its id in the "
            "system it comes from (external_id, call_id, register_no, case_number, conversation_id, post_id, Message-ID)",
        )


def _at_once(probe: Probe) -> None:
    key = new_id()
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(lambda _: probe.bring(key=key), range(AT_ONCE)))
    for answer in answers:
        _must(answer, 202, 409)
    taken = {_number(one) for one in answers if one.status_code == httpx.codes.ACCEPTED}
    if len(taken) != 1:
        raise Failed(f"得到 {len(taken)} 个编号", f"there are {len(taken)} numbers")


def _other_body(probe: Probe) -> None:
    answer = probe.bring(probe.changed(text="Another text under the same key."), key=probe.key)
    _must(answer, 422)
    _must_name(answer, "Idempotency-Key")


def _skewed(probe: Probe) -> None:
    ahead = probe.bring(probe.changed(occurred_at=(probe.now + SKEW).isoformat()), validate="true")
    _must(ahead, 422)
    _must_name(ahead, "occurred_at")
    bare = probe.bring(probe.changed(occurred_at="2026-01-05T09:00:00"), validate="true")
    _must(bare, 422)
    _must_name(bare, "occurred_at")
    _must(probe.bring(probe.changed(occurred_at=probe.now.isoformat()), validate="true"), 200)


def _big(probe: Probe) -> None:
    long = probe.bring(probe.changed(text="长" * 20_001), validate="true")
    _must(long, 200, 422)
    if long.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
        _must_name(long, "text")
    raw = json.dumps({"text": "a" * TOO_LONG}).encode()
    headers = {"Content-Type": JSON}
    _must(probe.http.post("/intake/v1/complaints", content=raw, headers=headers), 413)


def _broken(probe: Probe) -> None:
    if probe.media_type != JSON:
        # Whoever sends a mail cannot correct it: it is put aside, never refused.
        _must(probe.bring(b"\xff\x00 no mail", validate="true"), 200)
        return
    for name, raw in BROKEN.items():
        answer = probe.bring(raw)
        if answer.status_code not in {400, 422}:
            raise Failed(
                f"损坏的报文（{name}）得到 {answer.status_code}，应为 400 或 422",
                f"a broken payload ({name}) got {answer.status_code}, not 400 or 422",
            )


def _unknown(probe: Probe) -> None:
    _must(probe.bring(probe.changed(field_of_tomorrow=1), validate="true"), 200)


def _in_both_languages(probe: Probe) -> None:
    for language, part in (("zh", "字段"), ("en", "fields")):
        headers = {"Content-Type": JSON, "Accept-Language": language}
        answer = probe.http.post("/intake/v1/complaints", content=b"{}", headers=headers)
        _must(answer, 422)
        if part not in answer.json().get("detail", ""):
            raise Failed(f"没有 {language} 的说明", f"nothing is said in {language}")


def _without_a_key(probe: Probe) -> None:
    headers = {"Content-Type": JSON, "Authorization": ""}
    _must(probe.http.post("/intake/v1/complaints", content=b"{}", headers=headers), 401)


def _reachable(probe: Probe) -> None:
    """Whether the payload has what makes an answer possible."""
    answer = probe.bring(validate="true")
    _must(answer, 200)
    if answer.json().get("outcome"):
        raise Failed(
            f"该邮件不会成为投诉：{answer.json().get('reason')}",
            f"it would be no complaint: {answer.json().get('reason')}",
        )
    if not answer.json().get("reachable"):
        raise Failed("报文没有可回复的联系方式", "it has no contact point that can be answered")


CHECKS: Final[Mapping[str, tuple[str, str, Check]]] = {
    "taken": ("报文被接收", "The payload is taken", _taken),
    "retry": ("同一键重发得到同一答复", "Sent again under its key it gets the same answer", _retried),
    "duplicate": ("同一报文不带键再来仍是一件", "The same without a key is the same complaint", _duplicate),
    "at_once": ("同时重发仍是一件", "Ten at once are one", _at_once),
    "other_body": ("同一键的另一内容被拒绝", "Another body under its key is refused", _other_body),
    "clock_skew": ("时钟偏差与无时区的时间被指出", "A wrong clock and a time without zone are named", _skewed),
    "big": ("过大的内容被指出", "What is too large is told", _big),
    "broken": ("损坏的报文从不引起 5xx", "Broken payloads never cause a 5xx", _broken),
    "unknown_fields": ("未知字段被忽略", "Unknown fields are ignored", _unknown),
    "languages": ("拒绝的原因有中英文", "Refusals are told in Chinese and English", _in_both_languages),
    "no_key": ("没有密钥则不受理", "Without a key nothing is taken", _without_a_key),
    "reachable": ("报文带有可回复的联系方式", "The payload says how to answer", _reachable),
}  # fmt: skip


def _must(answer: httpx.Response, *wanted: int) -> None:
    if answer.status_code not in wanted:
        shown = " or ".join(map(str, wanted))
        said = answer.text[:300]
        raise Failed(
            f"得到 {answer.status_code}，应为 {shown}：{said}",
            f"{answer.status_code}, not {shown}: {said}",
        )


def _must_name(answer: httpx.Response, where: str) -> None:
    named = [one.get("field", "") for one in answer.json().get("errors", ())]
    if where not in named:
        raise Failed(f"没有指出 {where}，只有 {named}", f"{where} is not named, only {named}")


def _must_be_the_same(probe: Probe, answers: Sequence[httpx.Response]) -> None:
    found = {_number(one) for one in answers} | {probe.number}
    if len(found) != 1:
        raise Failed(
            f"得到不同的编号：{sorted(found)}", f"there are several numbers: {sorted(found)}"
        )


def _number(answer: httpx.Response) -> str:
    found: dict[str, Any] = answer.json()
    return str(found.get("number") or found.get("id"))
