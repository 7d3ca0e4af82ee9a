"""`redress demo`: a day of complaints, and some of them followed to the end."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from redress.commands.demo_day import DAY, Arrival
from redress.commands.options import AsJson, Key, Url, connect, language
from redress.commands.screen import console, own_command, print_json
from redress.commands.send import post_complaint
from redress.failure import PROBLEM, Problem

if TYPE_CHECKING:
    from redress.client import Answer, Client
    from redress.commands.telling import Teller

CASES = "/followup/v1/cases"
PATIENCE = 20.0
"""Seconds that a complaint may take to get a case and an owner before the demo goes on without."""
LOOK_EVERY = 0.1


@dataclass(slots=True)
class Sent:
    """One complaint of the demo and what became of it."""

    arrival: Arrival
    number: str
    case: "Answer | None" = None
    messages: int = 0
    refused: str | None = None


@dataclass(slots=True)
class Day:
    """What the demo does, step by step; `steps` are shown as it goes."""

    client: "Client"
    sent: list[Sent] = field(default_factory=list)

    def arrive(self, arrival: Arrival) -> None:
        """Send one complaint."""
        taken = post_complaint(self.client, body_of(arrival))
        self.sent.append(Sent(arrival, str(taken["number"])))

    def settle(self, one: Sent) -> None:
        """Wait until it has an owner, then do what its handler would, if it is one that is followed."""
        one.case = self._await_owner(one.number)
        if one.case and one.arrival.ending and has_owner(one.case):
            try:
                is_critical = one.case.get("severity") == "critical"
                for name, body in story_of(one.arrival, is_critical=is_critical):
                    one.case = self._command(one.number, name, body)
            except Problem as problem:
                one.refused = str(problem)

    def look(self, one: Sent) -> None:
        """See how it stands in the end."""
        one.case = self.client.find(f"{CASES}/{one.number}")
        page = self.client.get("/notify/v1/messages", number=one.number)
        one.messages = len(page["items"])

    def _await_owner(self, number: str) -> "Answer | None":
        deadline = time.monotonic() + PATIENCE
        while True:
            case = self.client.find(f"{CASES}/{number}")
            if case and (has_owner(case) or case.get("unsure")):
                return case
            if time.monotonic() > deadline:
                return case
            time.sleep(LOOK_EVERY)

    def _command(self, number: str, name: str, body: object) -> "Answer":
        """Issue a command on the case as it is now, again where somebody was faster."""
        stale = 412
        while True:
            version = self.client.get(f"{CASES}/{number}")["version"]
            try:
                path = f"{CASES}/{number}/commands/{name}"
                return self.client.post(path, body, headers={"If-Match": f'"{version}"'})
            except Problem as problem:
                if problem.status != stale:
                    raise


def demo(
    *,
    count: Annotated[
        int, typer.Option(min=1, max=10_000, help="How many complaints; more than a day repeat it.")
    ] = len(DAY),
    pace: Annotated[
        float, typer.Option(min=0.0, max=3600.0, help="Seconds between two of them.")
    ] = 0.1,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Send a day of made-up complaints, in Chinese and English, through six industries.

    Some are then handled to the end, as people would: accepted, contacted, resolved, called back,
    closed. Run `redress watch` beside it.
    """
    from redress.commands.telling import Teller

    arrivals = list(islice(cycle(DAY), count))
    with connect(url, key) as client:
        client.plain("/readyz")  # says at once when nothing is there
        day = Day(client)
        with _progress(hidden=as_json) as bar:
            for arrival in _shown(bar, "complaints come in", arrivals):
                day.arrive(arrival)
                time.sleep(pace)
            for one in _shown(bar, "handlers do their work", day.sent):
                day.settle(one)
            for one in _shown(bar, "looking at the result", day.sent):
                day.look(one)
    if as_json:
        for one in day.sent:
            print_json(as_object(one))
    else:
        _print(day.sent, Teller(language(), {}))
    if any(one.case is None or one.refused for one in day.sent):
        raise typer.Exit(PROBLEM)


def has_owner(case: Mapping[str, Any]) -> bool:
    """Whether somebody answers for it."""
    return bool((case.get("owner") or {}).get("handler"))


def body_of(arrival: Arrival) -> dict[str, object]:
    """What is posted for an arrival."""
    complainant: dict[str, object] = {"name": arrival.name}
    if arrival.name == "anonymous":
        complainant = {"anonymous": True}
    if arrival.contact:
        type_, value = arrival.contact
        complainant["contacts"] = [{"type": type_, "value": value}]
    return {
        "text": arrival.text,
        "channel": arrival.channel,
        "complainant": complainant,
        "references": dict(arrival.references),
    }


def story_of(arrival: Arrival, *, is_critical: bool) -> Iterator[tuple[str, dict[str, object]]]:
    """The commands that take a complaint to its end, each with what it carries; a critical one goes the full way."""
    from datetime import timedelta

    from shared.clock import SystemClock

    now = SystemClock().now()
    is_chinese = not arrival.text.isascii()
    promise = "两个工作日内给出结果" if is_chinese else "A result within two days"
    yield "accept", {}
    yield (
        "contact",
        {
            "heard": True,
            "restated": True,
            "apologised": True,
            "promised": {"what": promise, "by": (now + timedelta(days=2)).isoformat()},
        },
    )
    if is_critical:
        due = (now + timedelta(days=1)).isoformat()
        action = {"what": promise, "owner": "demo", "due_at": due}
        yield "find_cause", {"code": "process", "text": promise}
        yield "propose", {"actions": [action], "impact": promise}
        yield "answer", {"accepted": True, "channel": "phone"}
        yield "execute", {"action": "a1.1.1", "evidence": [promise]}
    yield (
        "resolve",
        {
            "outcome": "upheld" if arrival.ending == "satisfied" else "partly_upheld",
            "reason": "经核实属实，已说明原因并致歉" if is_chinese else "Checked and true; explained and apologised",
            "remedy": "已按约定处理完毕" if is_chinese else "Done as agreed",
            "told_at": now.isoformat(),
        },
    )  # fmt: skip
    yield "callback", {"result": arrival.ending, "note": None}
    if arrival.ending != "dissatisfied":
        yield "close", {}


def as_object(one: Sent) -> dict[str, object]:
    """What `--json` prints of one complaint."""
    case = one.case or {}
    return {
        "number": one.number,
        "industry": one.arrival.industry,
        "channel": one.arrival.channel,
        "kind": case.get("kind"),
        "category": case.get("category"),
        "severity": case.get("severity"),
        "unsure": case.get("unsure"),
        "state": case.get("state"),
        "cycle": case.get("cycle"),
        "handler": (case.get("owner") or {}).get("handler"),
        "messages": one.messages,
        "refused": one.refused,
    }


def _progress(*, hidden: bool) -> Progress:
    return Progress(
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console(stderr=True),
        disable=hidden,
    )


def _shown(bar: Progress, what: str, items: Sequence[Any]) -> Iterable[Any]:
    return bar.track(items, description=what)


def _print(sent: Sequence[Sent], teller: "Teller") -> None:
    titles = teller.pick(
        "编号 行业 渠道 性质 类别 严重度 状态 消息",
        "number from by kind category severity state mails",
    )
    table = Table(*titles.split(), title=teller.pick("一天的投诉", "The day's complaints"))
    for one in sent:
        case = one.case or {}
        severity = str(case.get("severity"))
        colour = {"critical": "bold red", "high": "yellow"}.get(severity, "none")
        state = teller.word(case["state"]) if case else teller.pick("没有工单", "no case")
        cycle_ = f" ({case['cycle']})" if case.get("cycle", 1) > 1 else ""
        category = f"{case.get('category') or '-'}{' ?' if case.get('unsure') else ''}"
        table.add_row(
            one.number, one.arrival.industry, teller.word(one.arrival.channel), teller.word(case.get("kind") or "-"),
            category, f"[{colour}]{teller.word(severity)}[/]", f"{state}{cycle_}", str(one.messages),
        )  # fmt: skip
    out = console()
    out.print(table)
    closed = sum(1 for one in sent if (one.case or {}).get("state") == "closed")
    unsure = sum(1 for one in sent if (one.case or {}).get("unsure"))
    out.print(
        teller.pick(
            f"{len(sent)} 件投诉，{closed} 件已办结；带 ? 的 {unsure} 件没有把握，等待人工分诊。",
            f"{len(sent)} complaints, {closed} closed; {unsure} marked ? wait for a person to look.",
        )
    )
    for one in sent:
        if one.refused:
            out.print(f"[red]{one.number}: {one.refused}[/]")
    out.print(f"{teller.pick('看其中一件', 'look at one')}: {own_command()} show {sent[0].number}")
