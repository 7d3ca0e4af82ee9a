"""One case as a document: everything that is known of it, and the seals that show that nothing was changed since."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any, Final

from services.followup.store import canonical
from services.followup.store.record import Entry

_STYLE: Final = (
    "body{font:14px/1.5 sans-serif;margin:2em}table{border-collapse:collapse;width:100%;margin:1em 0}"
    "td,th{border:1px solid #999;padding:.3em .5em;text-align:left;vertical-align:top}code{word-break:break-all}"
    "@media print{body{margin:0}tr{break-inside:avoid}}"
)
_SHOWN: Final = (
    ("number", "编号", "Number"),
    ("unit", "单位", "Unit"),
    ("state", "状态", "State"),
    ("cycle", "轮次", "Cycle"),
    ("kind", "类型", "Kind"),
    ("category", "类别", "Category"),
    ("severity", "严重度", "Severity"),
    ("outcome", "认定", "Outcome"),
    ("received_at", "收到时间", "Received"),
    ("acknowledged_at", "确认时间", "Acknowledged"),
    ("contacted_at", "联系时间", "Contacted"),
    ("closed_at", "关闭时间", "Closed"),
)


def document(
    case: Mapping[str, Any],
    story: Sequence[Mapping[str, Any]],
    clocks: Sequence[Mapping[str, Any]],
    entries: Iterable[Entry],
    *,
    taken_at: datetime,
) -> dict[str, Any]:
    """The document. `sha256` covers all the rest of it, as compact JSON with sorted keys, in UTF-8."""
    found: dict[str, Any] = {
        "taken_at": taken_at.isoformat(),
        "case": case,
        "timeline": story,
        "clocks": clocks,
        "record": [
            {
                "link": one.link,
                "kind": one.kind,
                "what": one.what,
                "by": one.by,
                "recorded_at": one.at.isoformat(),
                "seal": one.seal,
                "content": one.content,
            }
            for one in entries
        ],
    }
    return {**found, "sha256": hashlib.sha256(canonical(found).encode()).hexdigest()}


def as_html(found: Mapping[str, Any]) -> str:
    """The document as a page to print, in both languages."""
    case = found["case"]
    facts = [(f"{zh} / {en}", case.get(name)) for name, zh, en in _SHOWN]
    parts = [
        f"<h1>工单 / Case {escape(str(case['number']))}</h1>",
        f"<p>导出时间 / Taken at {escape(str(found['taken_at']))}</p>",
        _table(("", ""), facts),
        "<h2>经过 / What happened</h2>",
        _table(
            ("时间 / At", "事项 / What", "操作人 / By", "内容 / Detail"),
            (
                (one["at"], one["fact"], one["by"], _told(one["detail"]))
                for one in found["timeline"]
            ),
        ),
        "<h2>时限 / Clocks</h2>",
        _table(
            ("名称 / Name", "状态 / State", "开始 / Started", "到期 / Due", "规则 / Rule"),
            (
                (one["name"], one["state"], one["started_at"], one["due_at"], one["rule"])
                for one in found["clocks"]
            ),
        ),
        "<h2>记录链 / Record</h2>",
        _table(
            ("#", "事项 / What", "操作人 / By", "记录时间 / Recorded", "封印 / Seal"),
            (
                (one["link"], one["what"], one["by"], one["recorded_at"], one["seal"])
                for one in found["record"]
            ),
        ),
        f"<p>SHA-256 <code>{escape(str(found['sha256']))}</code></p>",
    ]
    head = (
        f'<meta charset="utf-8"><title>{escape(str(case["number"]))}</title><style>{_STYLE}</style>'
    )
    return f'<!doctype html><html lang="zh"><head>{head}</head><body>{"".join(parts)}</body></html>'


def _told(detail: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}: {value}" for name, value in detail.items())


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    first = "".join(f"<th>{escape(one)}</th>" for one in head) if any(head) else ""
    cells = (
        "".join(f"<td>{escape('' if one is None else str(one))}</td>" for one in row)
        for row in rows
    )
    return f"<table><tr>{first}</tr>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>"
