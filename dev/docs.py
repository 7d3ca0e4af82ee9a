"""Write the pages that follow from the code: `python -m dev.docs`; with `--check`, say which are stale.

`docs/events` gets a JSON Schema (draft 2020-12) for each event, one AsyncAPI 3.0 document, and a catalogue for people;
`docs/lifecycle.md` the states of a case and the commands between them.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import inspect
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from pydantic.json_schema import models_json_schema

from redress import __version__
from services.followup.policy.lifecycle import lifecycle_markdown
from shared.bus.topics import ALL
from shared.contracts.catalogue import BY_TYPE, TOPICS
from shared.contracts.envelope import PREFIX, source_name

if TYPE_CHECKING:
    from shared.contracts.envelope import Body

ROOT: Final = Path(__file__).resolve().parent.parent
EVENTS: Final = ROOT / "docs" / "events"
WRITTEN: Final = "Written by `make docs` from `shared/contracts`; do not edit."
SCHEMA_FORMAT: Final = "application/schema+json;version=draft-2020-12"
Document = dict[str, Any]

ZH: Final[Mapping[str, str]] = {
    "complaint.received.v1": "收到一件投诉（每件一次，总是第一条）；文字已脱敏",
    "complaint.message_added.v1": "有人对投诉作了补充；文字已脱敏",
    "complaint.code_requested.v1": "投诉人遗失查询码并请求重发，每小时至多一次；查询码本身不在事件中",
    "complaint.undelivered.v1": "发给投诉人的邮件被退回、延迟或被举报为垃圾邮件，每份报告一次",
    "complaint.linked.v1": "很可能与先前某件投诉是同一件事（附分值与理由），或该关联已被撤销；从不合并",
    "complainant.changed.v1": "客户资料有更新：可用的联系方式类型与偏好，不含联系方式本身",
    "complainant.erased.v1": "投诉人的数据密钥已销毁，其个人信息再也无法读取",
    "complaint.understood.v1": "识别出类别与严重度；后一条取代前一条",
    "complaint.triage_requested.v1": "没有把握，或无人可接，需要人工分诊",
    "complaint.assigned.v1": "本轮派给了某位处理人；后一条取代前一条",
    "complaint.unassigned.v1": "从处理人处收回，随后会重新派单",
    "complaint.corrected.v1": "有人更正了识别结果，随后会有新的识别",
    "case.opened.v1": "工单建立，每件投诉一次",
    "case.changed.v1": "工单有变化，且没有专门的事件",
    "case.escalated.v1": "工单升级到更高一级",
    "case.resolved.v1": "已解决并已告知客户，每轮一次",
    "case.closed.v1": "客户认可，或已告知其他途径，每轮一次",
    "case.refused.v1": "处理人退回工单，将另派他人",
    "case.reopened.v1": "开始下一轮，重新派单，严重度至少为高",
    "clock.started.v1": "某个时限开始计时",
    "clock.warned.v1": "时限已用去一定比例",
    "clock.breached.v1": "到期仍未完成，每个时限一次",
    "clock.paused.v1": "时限暂停：等待客户或第三方",
    "clock.resumed.v1": "时限恢复",
    "clock.extended.v1": "时限已延期，须告知客户",
    "clock.met.v1": "时限所等的事已完成",
    "promise.made.v1": "向客户承诺某事在某时之前完成",
    "promise.kept.v1": "承诺按时兑现",
    "promise.broken.v1": "到期未兑现，每个承诺一次",
    "callback.due.v1": "该回访客户是否解决了",
    "callback.done.v1": "已回访，或未能联系上",
    "message.accepted.v1": "服务商已接收消息",
    "message.delivered.v1": "服务商确认送达",
    "message.failed.v1": "不再尝试发送",
    "message.unknown.v1": "发送没有得到答复，可能已送达",
    "contact.failed.v1": "投诉人的一个联系方式没有收下消息，改用下一渠道",
    "subscription.disabled.v1": "webhook 连续多日失败或接收方已停用，停止投递",
    "remedy.proposed.v1": "提出了一项补救，须审批的注明由谁审批，每项一次",
    "remedy.approved.v1": "补救已获批准，或在现场限额之内，每项一次",
    "remedy.payout_requested.v1": "请付款方按该编号支付一次；支付失败后以新编号再请",
    "remedy.paid.v1": "已支付，附凭证号，每项一次",
    "remedy.reversed.v1": "已支付的须追回，每项一次",
    "incident.opened.v1": "多件投诉疑似同一原因，建立群诉事件，每个事件一次",
    "incident.updated.v1": "群诉事件有变化：成员、小组、排查、状态",
    "incident.closed.v1": "群诉事件结束：原因已查明、结果已告知成员、报告已写；各工单自行关闭",
    "warning.raised.v1": "某条预警规则被触发；同一预警的后一条列出其后的投诉",
    "incident.bulletin.v1": "向群诉事件的每位成员发同一通告，各用其语言和渠道，每人一次",
    "policy.unit.v1": "单位的全部状态",
    "policy.key.v1": "机器密钥的状态，只含散列；撤销也是一种状态",
    "policy.account.v1": "员工账号的状态，不含密码",
    "policy.pack.v1": "投入使用的策略包某一版本，不再更改",
    "policy.in_force.v1": "某单位自何时起按哪个策略包处理",
    "policy.seeded.v1": "首次数据全部说完，策略自此完整",
}


def main(arguments: list[str] | None = None) -> int:
    """Write the pages. Returns 1 with `--check` when one is stale, after naming each."""
    parser = argparse.ArgumentParser(prog="python -m dev.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say which pages are stale")
    options = parser.parse_args(arguments)
    wanted = pages()
    stale = stale_pages(wanted)
    if options.check:
        for page in stale:
            print(f"docs: {page.relative_to(ROOT)} is stale: run `make docs`", file=sys.stderr)
        return 1 if stale else 0
    for page in stale:
        if page in wanted:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(wanted[page], encoding="utf-8")
        else:
            page.unlink()
    print(f"docs: {len(wanted)} pages, {len(stale)} of them new or changed")
    return 0


def pages() -> dict[Path, str]:
    """Every generated page with its text."""
    found = {EVENTS / f"{type_}.json": _json(schema_of(body)) for type_, body in BY_TYPE.items()}
    found[EVENTS / "asyncapi.yaml"] = f"# {WRITTEN}\n" + _yaml(asyncapi())
    found[EVENTS / "README.md"] = catalogue()
    title, _, rest = lifecycle_markdown().partition("\n")
    written = "Written by `make docs` from `services/followup/policy/lifecycle`; do not edit."
    found[ROOT / "docs" / "lifecycle.md"] = f"{title}\n\n{written}\n{rest}"
    return found


def stale_pages(wanted: Mapping[Path, str]) -> list[Path]:
    """Pages that are missing, differ, or are there for nothing."""
    changed = [
        page
        for page, text in wanted.items()
        if not page.exists() or page.read_text(encoding="utf-8") != text
    ]
    left = [page for page in EVENTS.glob("*") if page not in wanted]
    return sorted([*changed, *left])


def schema_of(body: type[Body]) -> Document:
    """The JSON Schema of a whole event: the envelope, and what `body` says in `data`."""
    _, data = models_json_schema([(body, "validation")], ref_template="#/$defs/{model}")
    type_ = PREFIX + body.name
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{type_}.json",
        "title": type_,
        "description": docstring(body),
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time", "sequence", "unit", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "minLength": 1, "description": "Unique for each event (UUIDv7)."},
            "source": {"const": source_name(body.source)},
            "type": {"const": type_},
            "subject": {
                "type": "string",
                "minLength": 1,
                "description": "The aggregate it is about, also the key in the log.",
            },
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "sequence": {
                "type": "integer",
                "minimum": 1,
                "description": "Counts the source's events about the subject, without gaps.",
            },
            "unit": {"type": "string", "description": "The part of the business it belongs to."},
            "traceparent": {"type": "string", "description": "W3C Trace Context."},
            "causationid": {"type": "string", "description": "The id of the event it answers."},
            "data": {"$ref": f"#/$defs/{body.__name__}"},
        },
        "$defs": data["$defs"],
    }  # fmt: skip


def asyncapi() -> Document:
    """The AsyncAPI document: a channel a topic, who sends there and who receives from it."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Redress events",
            "version": __version__,
            "description": "Structured CloudEvents 1.0 as UTF-8 JSON; the key of a record is the event's subject.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {service: _channel(service) for service in TOPICS},
        "operations": _operations(),
        "components": {"messages": {type_: _message(body) for type_, body in BY_TYPE.items()}},
    }


def _channel(service: str) -> Document:
    topic = next(topic for topic in ALL if topic.name == TOPICS[service])
    kept = "compacted: the last state of each key" if topic.compacted else "kept without limit"
    if topic.retention is not None:
        kept = f"kept for {topic.retention.days} days"
    return {
        "address": topic.name,
        "description": f"What {service} says. {topic.partitions} partition(s), {kept}.",
        "messages": {
            type_: {"$ref": f"#/components/messages/{type_}"}
            for type_, body in BY_TYPE.items()
            if body.source == service
        },
    }


def _message(body: type[Body]) -> Document:
    type_ = PREFIX + body.name
    schema = {"$ref": f"./{type_}.json"}
    return {
        "name": type_,
        "summary": docstring(body).partition("\n")[0],
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": schema},
    }


def _operations() -> Document:
    found: Document = {}
    for service in TOPICS:
        said = [type_ for type_, body in BY_TYPE.items() if body.source == service]
        if said:
            found[f"{service}.says"] = _operation("send", service, said)
    for service in TOPICS:
        for source in TOPICS:
            types = [type_ for type_ in heard_by(service) if BY_TYPE[type_].source == source]
            if types:
                found[f"{service}.hears.{source}"] = _operation("receive", source, types)
    return found


def _operation(action: str, channel: str, types: list[str]) -> Document:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{type_}"} for type_ in types],
    }


def heard_by(service: str) -> list[str]:
    """The types that a service takes from the log; all read the whole policy besides."""
    if importlib.util.find_spec(f"services.{service}") is None:
        return []
    heard = {type_ for type_, body in BY_TYPE.items() if body.source == "desk"}
    if importlib.util.find_spec(f"services.{service}.subscriptions") is not None:
        table = importlib.import_module(f"services.{service}.subscriptions").SUBSCRIPTIONS
        heard |= {PREFIX + body.name for body in table}
    return [type_ for type_ in BY_TYPE if type_ in heard]


def catalogue() -> str:
    """The catalogue for people."""
    lines = [
        "# Events · 事件",
        "",
        WRITTEN,
        "",
        "Structured CloudEvents 1.0, UTF-8 JSON; the key of a record is the event's `subject`. A schema each beside this",
        "page, all together in [asyncapi.yaml](asyncapi.yaml), a frozen sample each in `shared/contracts/samples`.",
        "Readers ignore fields and values that they do not know; both are only ever added. Anything else is a new version,",
        "said beside the old one for two minor releases. No event carries personal data: texts are masked, references are tokens.",
        "",
        "Over HTTP: `GET /notify/v1/events?after=beginning`, or the same as a stream with `Accept: text/event-stream`.",
        "A consumer to copy: [examples/consumer](../../examples/consumer/README.md).",
        "",
    ]
    for service, topic in TOPICS.items():
        bodies = {type_: body for type_, body in BY_TYPE.items() if body.source == service}
        if not bodies:
            continue
        lines += [f"## `{topic}`, said by {service}", ""]
        lines += ["| Type | When | 何时 | Heard by |", "|---|---|---|---|"]
        lines += [_row(type_, body) for type_, body in bodies.items()]
        lines.append("")
    lines.append(f"`{TOPICS['insight']}` is there for warnings; nothing is said on it yet.")
    return "\n".join(lines) + "\n"


def _row(type_: str, body: type[Body]) -> str:
    when = " ".join(docstring(body).split())
    readers = ["all"] if body.source == "desk" else _readers(type_)
    return f"| [`{type_}`]({type_}.json) | {when} | {ZH[body.name]} | {', '.join(readers) or '–'} |"


def _readers(type_: str) -> list[str]:
    return [service for service in TOPICS if type_ in heard_by(service)]


def docstring(body: type[Body]) -> str:
    """What an event's model says about it."""
    return inspect.cleandoc(body.__doc__ or "")


def _json(document: Document) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _yaml(document: Document) -> str:
    text: str = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=120)
    return text


if __name__ == "__main__":
    sys.exit(main())
