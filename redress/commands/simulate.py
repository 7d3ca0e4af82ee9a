"""`redress simulate`: what a changed pack or roster would have made of what came in."""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from redress.commands.options import AsJson, Key, Url, connect, language
from redress.commands.screen import console, print_json
from redress.failure import Failure, WrongUsage

if TYPE_CHECKING:
    from rich.console import Console

PATH = "/routing/v1/simulations"
_SPAN = re.compile(r"(\d+)([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}
_LISTS = ("skills", "languages", "areas")
_COLUMNS = ("id", "unit", "team", *_LISTS, "capacity")


def simulate(
    *,
    pack: Annotated[
        str | None, typer.Option(help="A folder, P, or P@V; else the one in force.")
    ] = None,
    staff: Annotated[
        Path | None,
        typer.Option(
            help=f"Handlers, CSV or JSON Lines: {', '.join(_COLUMNS)}; else those there are."
        ),
    ] = None,
    since: Annotated[
        str, typer.Option(help="30d, 12h, 4w, or a time such as 2026-03-01T00:00+08:00.")
    ] = "30d",
    unit: Annotated[
        str | None, typer.Option(help="This unit and those below it; else the key's.")
    ] = None,
    most: Annotated[int, typer.Option(help="So many complaints at most, the first ones.")] = 5_000,
    shown: Annotated[int, typer.Option(help="So many changed complaints are shown.")] = 20,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Replay what came in through a changed pack or roster, and tell what would have changed. Nothing is sent."""
    body = {
        **_pack(pack),
        "handlers": None if staff is None else read_staff(staff),
        "since": _begin(since).isoformat(),
        "unit": unit,
        "most": most,
        "shown": shown,
    }
    with connect(url, key) as client:
        lines = client.lines(
            PATH, {name: value for name, value in body.items() if value is not None}
        )
        report = _follow(lines)
    if as_json:
        print_json(report)
    else:
        _show(console(), report)


def _pack(name: str | None) -> dict[str, Any]:
    from redress.commands.packs.force import files_of

    if name is None or not Path(name).is_dir():
        return {"pack": name}
    return {"folder": Path(name).resolve().name, "files": files_of(Path(name))}


def _begin(text: str) -> datetime:
    from shared.clock import SystemClock

    if span := _SPAN.fullmatch(text):
        return SystemClock().now() - timedelta(hours=int(span[1]) * _HOURS[span[2]])
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise WrongUsage(
            f"--since {text!r}: write 30d, 12h, 4w, or a time as 2026-03-01T00:00+08:00."
        )
    return at


def read_staff(path: Path) -> list[dict[str, Any]]:
    """The handlers in a file. Raises WrongUsage with the line that is wrong."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUsage(f"{path} cannot be read: {type(error).__name__}.") from error
    if text.lstrip().startswith("{"):
        return list(_json_lines(path, text))
    rows = csv.DictReader(text.splitlines())
    names = set(rows.fieldnames or ())
    if "id" not in names or not names <= set(_COLUMNS):
        strange = ", ".join(sorted(names - set(_COLUMNS))) or "nothing: id is missing"
        raise WrongUsage(f"{path}:1: the columns are {', '.join(_COLUMNS)}; too much is {strange}.")
    return [_handler(path, line, row) for line, row in enumerate(rows, 2)]


def _json_lines(path: Path, text: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                yield dict(json.loads(line))
            except (ValueError, TypeError) as error:
                raise WrongUsage(f"{path}:{number}: it is no JSON object.") from error


def _handler(path: Path, line: int, row: Mapping[str, str | None]) -> dict[str, Any]:
    found: dict[str, Any] = {name: value for name, value in row.items() if value and name}
    for name in _LISTS:
        if name in found:
            found[name] = re.split(r"[;\s]+", found[name].strip())
    if "id" not in found:
        raise WrongUsage(f"{path}:{line}: id: it is missing.")
    if "capacity" in found:
        if not found["capacity"].isdigit():
            raise WrongUsage(f"{path}:{line}: capacity: {found['capacity']!r} is no whole number.")
        found["capacity"] = int(found["capacity"])
    return found


def _follow(lines: Iterator[Mapping[str, Any]]) -> Mapping[str, Any]:
    with console(stderr=True).status("…") as status:
        for line in lines:
            if "report" in line:
                found: Mapping[str, Any] = line["report"]
                return found
            if "error" in line:
                raise Failure(f"the simulation broke off: {line['error']}. Try again.")
            status.update(f"{line['done']} of {line['of']} replayed")
    raise Failure(
        "the simulation broke off without a report: is the service going down? Try again."
    )


def _show(out: "Console", report: Mapping[str, Any]) -> None:
    corrected, owners, unsure = report["corrected"], report["owners"], report["unsure"]
    out.print(
        f"[bold]{report['pack']}[/] on {report['replayed']} complaints of {report['unit']}"
        + (f" ({report['left_out']} more left out: --most)" if report["left_out"] else "")
    )
    out.print(f"  changed          {report['changed']}  ({report['share']:.1%})")
    out.print(f"  a person asked   {unsure['before']} → {unsure['after']}")
    out.print(f"  other owner      {owners['moved']}")
    out.print(f"  nobody could     {owners['nobody_before']} → {owners['nobody_after']}")
    if corrected["of"]:
        out.print(f"  as people said   {corrected['agreeing']} of {corrected['of']} corrected ones")
    for name, pairs in report["changes"].items():
        out.print(f"\n[bold]{name}[/]")
        for one in pairs:
            out.print(f"  {one['count']:>5}  [red]{one['old']}[/] → [green]{one['new']}[/]")
    _show_clocks(out, report["clocks"])
    _show_loads(out, report["loads"])
    for one in report["complaints"]:
        changes = ", ".join(
            f"{name} [red]{pair['old']}[/] → [green]{pair['new']}[/]"
            for name, pair in one["changes"].items()
        )
        out.print(f"\n{one['number']}  {changes}\n    [dim]{escape(one['reason'][language()])}[/]")


def _show_clocks(out: "Console", clocks: list[Mapping[str, Any]]) -> None:
    if not clocks:
        return
    table = Table("clock", "runs on", "earlier", "later", "late, where known")
    for one in clocks:
        late = (
            f"{one['late_before']} → {one['late_after']} of {one['known']}" if one["known"] else "-"
        )
        runs = f"{one['before']} → {one['after']}"
        table.add_row(one["clock"], runs, str(one["earlier"]), str(one["later"]), late)
    out.print(table)


def _show_loads(out: "Console", loads: list[Mapping[str, Any]]) -> None:
    if not loads:
        return
    table = Table("handler", "given", "most at once")
    for one in loads:
        given = f"{one['before']} → {one['after']}"
        table.add_row(one["handler"], given, f"{one['most_before']} → {one['most_after']}")
    out.print(table)
