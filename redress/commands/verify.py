"""`redress verify`: whether a system at rest kept its promises."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from redress.commands.options import AsJson
from redress.commands.screen import console, print_json
from redress.failure import PROBLEM

if TYPE_CHECKING:
    from redress.verify.model import Entry, System, Violation

SHOWN = 20
"""Violations told before the rest is only counted."""


def verify(
    *,
    journal: Annotated[
        Path | None,
        typer.Option(help="What a client was answered, as JSON lines (docs/guarantees.md)."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hold databases and log against each other, and against a client's journal.

    Reads by the settings (REDRESS_DATA, REDRESS_DATABASE, REDRESS_BUS) and changes nothing. Ask when
    the system is at rest: what is still on its way counts as missing. Exit 1 at the first broken
    promise, with the complaint's timeline.
    """
    from redress.commands.settings import naming, read_settings
    from redress.verify.invariants import check
    from redress.verify.journal import read_journal
    from redress.verify.reading import read_system
    from shared.clock import SystemClock

    settings = read_settings()
    entries = read_journal(journal) if journal else None
    with naming(), console(stderr=True).status("reading databases and log"):
        system = asyncio.run(read_system(settings, now=SystemClock().now()))
    violations = check(system, entries)
    if as_json:
        _print_json(system, entries or (), violations)
    else:
        _print(system, entries or (), violations)
    if violations:
        raise typer.Exit(PROBLEM)


def _counts(system: "System") -> dict[str, int]:
    return {
        "complaints": len(system.complaints),
        "cases": len(system.cases),
        "messages": len(system.messages),
        "records": len(system.log),
    }


def _print_json(
    system: "System", journal: "Sequence[Entry]", violations: "Sequence[Violation]"
) -> None:
    for one in violations:
        print_json(one._asdict())
    counts: dict[str, Any] = _counts(system)
    print_json(
        counts | {"violations": len(violations), "timeline": _lines(system, journal, violations)}
    )


def _print(system: "System", journal: "Sequence[Entry]", violations: "Sequence[Violation]") -> None:
    out = console()
    out.print(", ".join(f"{count} {what}" for what, count in _counts(system).items()))
    for one in violations[:SHOWN]:
        out.print(
            f"[red]{one.invariant}[/] {one.text}"
            + (f"  [dim]{one.subject}[/]" if one.subject else "")
        )
    if len(violations) > SHOWN:
        out.print(f"… and {len(violations) - SHOWN} more")
    if lines := _lines(system, journal, violations):
        out.print("\nThe first complaint that this is about:")
        for line in lines:
            out.print(f"  {line}", markup=False)
    if violations:
        out.print("[red]Promises are broken: see docs/guarantees.md for what each means.[/]")
    else:
        out.print("[green]Every promise was kept.[/]")


def _lines(
    system: "System", journal: "Sequence[Entry]", violations: "Sequence[Violation]"
) -> list[str]:
    from redress.verify.timeline import timeline

    subject = next((one.subject for one in violations if one.subject), None)
    if subject is None:
        return []
    return [
        f"{line.at.isoformat()}  {line.source}  {line.text}"
        for line in timeline(system, journal, subject)
    ]
