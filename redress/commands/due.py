"""`redress due`: when is it due, and how was that counted."""

import json
import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from shared.packs.calendars import DEFAULT_ZONE, calendar_of
from shared.packs.load import load_folder, shipped_folder
from shared.packs.located import PackInvalid
from shared.worktime import Calendar, CalendarError, Due, add_days, add_working

USAGE = 2
PROBLEM = 1
_WORK = re.compile(r"\A(?:(\d{1,5})h)?\s*(?:(\d{1,6})m)?\Z")
_SHOWN = 12
"""Rows shown in full; a longer count is shortened in the middle."""


def due(
    *,
    calendar: Annotated[str, typer.Option(help="A calendar of the pack, such as standard.")],
    start: Annotated[
        str, typer.Option(help="RFC 3339 time with offset, e.g. 2026-02-13T16:00+08:00.")
    ],
    work: Annotated[str | None, typer.Option(help="Working time: 8h, 90m, 1h30m.")] = None,
    days: Annotated[int | None, typer.Option(help="Working days.", min=1, max=2500)] = None,
    pack: Annotated[str, typer.Option(help="The pack that has the calendar.")] = "generic",
    folder: Annotated[
        Path | None, typer.Option(help="Where packs are; those shipped if not given.")
    ] = None,
    zone: Annotated[
        str, typer.Option(help="For calendars without a zone of their own.")
    ] = DEFAULT_ZONE,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Print when a working time or a number of working days is over, and how it was counted."""
    if (work is None) == (days is None):
        _refuse("give either --work or --days")
    at, length = _start(start), _work(work) if work is not None else None
    opened = _calendar(folder or shipped_folder(), pack=pack, name=calendar, zone=zone)
    try:
        counted = (
            add_working(opened, at, length)
            if length is not None
            else add_days(opened, at, days or 1)
        )
    except (CalendarError, OverflowError) as error:
        typer.echo(f"redress due: {error}", err=True)
        raise typer.Exit(PROBLEM) from error
    if as_json:
        typer.echo(json.dumps(as_object(counted, calendar=opened, start=at), ensure_ascii=False))
    else:
        _print(counted, calendar=opened, start=at)


def as_object(counted: Due, *, calendar: Calendar, start: datetime) -> dict[str, object]:
    """What `--json` prints: times in the calendar's zone."""
    zone = ZoneInfo(calendar.zone)
    return {
        "calendar": calendar.id,
        "zone": calendar.zone,
        "start": start.astimezone(zone).isoformat(),
        "due_at": counted.at.astimezone(zone).isoformat(),
        "counted": [
            {
                "from": part.start.astimezone(zone).isoformat(),
                "to": part.end.astimezone(zone).isoformat(),
                "why": part.why,
            }
            for part in counted.counted
        ],
        "warnings": list(counted.warnings),
    }


def _print(counted: Due, *, calendar: Calendar, start: datetime) -> None:
    zone = ZoneInfo(calendar.zone)
    table = Table(
        "from", "to", "counts", "because", title=f"Counted in {calendar.id}, {calendar.zone}"
    )
    rows = list(counted.counted)
    cut = len(rows) - _SHOWN
    for index, part in enumerate(rows):
        if cut > 0 and _SHOWN // 2 <= index < _SHOWN // 2 + cut:
            if index == _SHOWN // 2:
                table.add_row("…", f"{cut} more", "", "")
            continue
        first, last = part.start.astimezone(zone), part.end.astimezone(zone)
        length = str(part.end - part.start).removesuffix(":00")
        table.add_row(f"{first:%a %Y-%m-%d %H:%M}", f"{last:%a %Y-%m-%d %H:%M}", length, part.why)
    console = Console()
    console.print(table)
    console.print(f"start {start.astimezone(zone):%a %Y-%m-%d %H:%M %z}")
    console.print(f"[bold]due   {counted.at.astimezone(zone):%a %Y-%m-%d %H:%M %z}[/bold]")
    for warning in counted.warnings:
        console.print(f"[yellow]warning: {warning}[/yellow]")


def _calendar(folder: Path, *, pack: str, name: str, zone: str) -> Calendar:
    try:
        loaded = load_folder(folder, pack)
        return calendar_of(loaded.calendar_spec(name), zone=zone)
    except KeyError:
        known = ", ".join(spec.id for spec in loaded.calendars)
        _refuse(f"pack {pack} has no calendar {name!r}; it has {known}")
    except CalendarError as error:
        _refuse(str(error))
    except PackInvalid as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(PROBLEM) from error


def _start(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        _refuse(f"--start {text!r} is no time with offset: write it as 2026-02-13T16:00+08:00")
    return at


def _work(text: str) -> timedelta:
    match = _WORK.match(text.strip())
    if not match or not match[0]:
        _refuse(f"--work {text!r} is no working time: write it as 8h, 90m or 1h30m")
    return timedelta(hours=int(match[1] or 0), minutes=int(match[2] or 0))


def _refuse(message: str) -> NoReturn:
    typer.echo(f"redress due: {message}", err=True)
    raise typer.Exit(USAGE)
