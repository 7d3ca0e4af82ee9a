"""`redress show`: one complaint's whole way through the services."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from redress.commands.options import AsJson, Key, Number, Url, checked_number, connect, language
from redress.commands.screen import clock_time, console, day_time, print_json
from redress.failure import Failure, Problem

if TYPE_CHECKING:
    from rich.console import Console

    from redress.client import Answer, Client
    from redress.commands.telling import Teller

MOST_REASONS = 4
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Story:
    """What each service has on a complaint; None where it has nothing. `missing` says so in words."""

    number: str
    complaint: "Answer | None"
    decision: "Answer | None"
    case: "Answer | None"
    timeline: "Sequence[Answer]"
    messages: "Sequence[Answer]"
    events: "Sequence[Answer]"
    missing: Sequence[str]


def show(number: Number, *, as_json: AsJson = False, url: Url = None, key: Key = None) -> None:
    """Tell a complaint's whole way: what came, how it was understood, who has it, until when, what was sent."""
    from redress.commands.telling import Teller
    from redress.commands.watch import names_of

    wanted = checked_number(number)
    with connect(url, key) as client:
        story = gather(client, wanted)
        names = {} if as_json else names_of(client)
    if as_json:
        print_json(asdict(story))
        return
    print_story(console(), story, Teller(language(), names))


def gather(client: "Client", number: str) -> Story:
    """Ask each service. Raises Failure where none knows the number."""
    asking = _Asking(client, [])
    complaint = asking.one("intake", f"/intake/v1/complaints/{number}", "the complaint")
    decision = asking.one("routing", f"/routing/v1/decisions/{number}", "a decision")
    case = asking.one("followup", f"/followup/v1/cases/{number}", "a case")
    timeline = asking.many("followup", f"/followup/v1/cases/{number}/timeline", "a timeline")
    messages = asking.many("notify", "/notify/v1/messages", "messages", number=number)
    events = asking.feed(number)
    if not (complaint or decision or case or events or asking.refused):
        raise Failure(
            f"there is no complaint {number} here: look for a typing slip, "
            "or ask with a key of its unit."
        )
    return Story(number, complaint, decision, case, timeline, messages, events, asking.missing)


class _Asking:
    """Asks for the parts of a story and keeps in words what was not to be had."""

    def __init__(self, client: "Client", missing: list[str]) -> None:
        self._client = client
        self.missing = missing
        self.refused = False

    def one(self, service: str, path: str, what: str) -> "Answer | None":
        try:
            found = self._client.find(path)
        except Problem as problem:
            self._refused(service, problem)
            return None
        if found is None:
            self.missing.append(f"{service} has not got {what} of it yet")
        return found

    def many(self, service: str, path: str, what: str, **query: str) -> "list[Answer]":
        try:
            found = list(self._client.pages(path, limit=200, **query))
        except Problem as problem:
            if problem.status != NOT_FOUND:
                self._refused(service, problem)
                return []
            found = []
        if not found and what != "a timeline":
            self.missing.append(f"{service} has got no {what} of it yet")
        return found

    def feed(self, number: str) -> "list[Answer]":
        from redress.commands.watch import stored

        try:
            found = list(stored(self._client, "beginning", number))
        except Problem as problem:
            self._refused("notify", problem)
            return []
        # The feed is in the order of its own commits; a story is told in the order it happened.
        return sorted(found, key=lambda event: str(event["time"]))

    def _refused(self, service: str, problem: Problem) -> None:
        self.refused = self.refused or problem.status in {401, 403}
        self.missing.append(f"{service} does not tell: {problem}")


def print_story(out: "Console", story: Story, teller: "Teller") -> None:
    """The story for people."""
    _print_head(out, story, teller)
    if story.decision:
        _print_decision(out, story.decision, teller)
    if story.case:
        _print_clocks(out, story.case.get("clocks") or (), teller)
    _print_events(out, story, teller)
    if story.messages:
        _print_messages(out, story.messages, teller)
    for missing in story.missing:
        out.print(f"[yellow]· {escape(missing)}[/]")


def _print_head(out: "Console", story: Story, teller: "Teller") -> None:
    case, complaint, decision = story.case or {}, story.complaint or {}, story.decision or {}
    facts = [
        teller.word(case["state"]) if case.get("state") else None,
        teller.word(case.get("kind") or decision.get("kind") or ""),
        case.get("category") or _category(decision),
        teller.word(case.get("severity") or decision.get("severity") or ""),
        case.get("unit") or complaint.get("unit"),
    ]
    told = " · ".join(str(fact) for fact in facts if fact)
    out.print(f"[bold]{story.number}[/]  {escape(told)}")
    if complaint.get("text"):
        out.print(f"  [italic]{escape(' '.join(str(complaint['text']).split()))}[/]")
    owner = case.get("owner") or {}
    if owner.get("handler"):
        who, team = teller.person(owner["handler"]), owner.get("team")
        out.print(
            escape(
                teller.pick(f"  处理人 {who}（班组 {team}）", f"  handled by {who}, team {team}")
            )
        )


def _category(decision: Mapping[str, Any]) -> str | None:
    return next((str(one.get("code")) for one in decision.get("categories") or ()), None)


def _print_decision(out: "Console", decision: "Answer", teller: "Teller") -> None:
    reasons = [_reason(one, teller) for one in decision.get("reasons") or ()]
    if not reasons:
        return
    out.print()
    out.print("[bold]" + teller.pick("为什么这样派单", "Why it went this way") + "[/]")
    for reason in reasons[:MOST_REASONS]:
        out.print(f"  {escape(reason)}")
    if len(reasons) > MOST_REASONS:
        more = len(reasons) - MOST_REASONS
        out.print(
            "[dim]"
            + teller.pick(f"  另有 {more} 条，见 --json", f"  {more} more, see --json")
            + "[/]"
        )


def _reason(one: object, teller: "Teller") -> str:
    if isinstance(one, Mapping):
        return str(one.get(teller.pick("zh", "en")) or one.get("code") or "")
    return str(one)


def _print_clocks(out: "Console", clocks: "Sequence[Answer]", teller: "Teller") -> None:
    if not clocks:
        return
    table = Table(*teller.pick("时限 状态 开始 截止", "clock state started due").split())
    for one in clocks:
        state = str(one.get("state"))
        colour = {"met": "green", "breached": "red", "running": "bold"}.get(state, "")
        shown = _clock_state(state, teller)
        table.add_row(
            teller.word(one.get("name")),
            f"[{colour}]{shown}[/]" if colour else shown,
            day_time(one["started_at"]) if one.get("started_at") else "-",
            day_time(one["due_at"]) if one.get("due_at") else "-",
        )
    out.print()
    out.print(table)


def _clock_state(state: str, teller: "Teller") -> str:
    words = {
        "running": "计时中",
        "paused": "暂停",
        "met": "按时",
        "breached": "超时",
        "cancelled": "取消",
    }
    return teller.pick(words.get(state, state), state)


def _print_events(out: "Console", story: Story, teller: "Teller") -> None:
    out.print()
    out.print("[bold]" + teller.pick("经过", "What happened") + "[/]")
    if not story.events:
        for one in story.timeline:
            out.print(f"  [dim]{clock_time(one['at'])}  followup [/] {escape(str(one['fact']))}")
    for event in story.events:
        line, source = teller.tell(event), str(event["source"]).rsplit("/", 1)[-1]
        text = f"[{line.style}]{escape(line.text)}[/]" if line.style else escape(line.text)
        out.print(f"  [dim]{clock_time(event['time'])}  {source:<9}[/] {text}")


def _print_messages(out: "Console", messages: "Sequence[Answer]", teller: "Teller") -> None:
    from redress.commands.telling import MESSAGE_STATES

    table = Table(*teller.pick("消息 收件 方式 状态 时间", "message to by state at").split())
    for one in messages:
        reason = f" ({teller.word(one['reason'])})" if one.get("reason") else ""
        at = one.get("at") or one.get("planned_at")
        table.add_row(
            teller.word(one.get("purpose")),
            teller.word(one.get("recipient")),
            teller.word(one.get("channel") or "-"),
            f"{teller.word(one.get('state'), MESSAGE_STATES)}{reason}",
            day_time(at) if at else "-",
        )
    out.print()
    out.print(table)
