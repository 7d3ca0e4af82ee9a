"""`python -m bench [--rounds N] [--quick] [--only …]`: measure, write the results, fail when a gate is missed."""

import argparse
import gc
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench import machine
from bench.children import ROOT
from bench.client import LoadFailed
from bench.model import Measure, is_passed
from bench.picture import draw
from bench.plan import QUICK, Bench, Plan
from bench.report import PICTURE, Run, cells, document, page
from bench.scenarios import PARTS, Scenario, scenarios, start_servers
from dev.process import EngineError
from shared.clock import SystemClock
from shared.telemetry import configure_logs


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 when every gate is met, 1 when one is missed or nothing could be measured."""
    options = _options(arguments)
    plan = QUICK if options.quick else Plan()
    if options.rounds:
        plan = replace(plan, rounds=options.rounds)
    configure_logs(level="warning")
    console, load_at_start = Console(highlight=False), machine.load()
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="redress-bench-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        try:
            with console.status("starting PostgreSQL and Kafka"):
                servers = start_servers(stack, folder, options.only)
            measures = _measure(
                scenarios(plan, servers, options.only), plan=plan, folder=folder, console=console
            )
        except (EngineError, LoadFailed) as error:
            console.print(f"[bold red]bench:[/] {error}")
            return 1
    run = Run(
        measured_on=SystemClock().now().date().isoformat(),
        rounds=plan.rounds,
        is_quick=options.quick,
        machine=machine.describe(load_at_start=load_at_start),
        measures=measures,
    )
    _show(run, console)
    if set(options.only) == set(PARTS) and not options.no_write:
        write(run, ROOT)
    return 0 if is_passed(run.rows) else 1


def write(run: Run, root: Path) -> None:
    """Write results, page and picture under a checkout's root."""
    results = root / "bench" / "results"
    results.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document(run), ensure_ascii=False, indent=1)
    (results / "latest.json").write_text(text + "\n", encoding="utf-8")
    (root / "docs" / "performance.md").write_text(page(run), encoding="utf-8")
    (root / "docs" / PICTURE).write_text(draw(run.measures), encoding="utf-8")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--rounds", type=int, help="rounds of each pair (5)")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    parser.add_argument("--no-write", action="store_true", help="leave docs and results alone")
    parser.add_argument(
        "--only",
        type=lambda text: text.split(","),
        default=list(PARTS),
        metavar="PART,…",
        help=f"some of {', '.join(PARTS)}; then nothing is written",
    )
    options = parser.parse_args(arguments)
    if wrong := set(options.only) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(wrong))}; there are {', '.join(PARTS)}")
    return options


def _measure(
    chosen: Sequence[Scenario], *, plan: Plan, folder: Path, console: Console
) -> list[Measure]:
    progress = Progress(
        TextColumn("{task.description:<58}"), BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn(),
        console=console, refresh_per_second=2, disable=not console.is_terminal,
    )  # fmt: skip

    async def measure() -> list[Measure]:
        return [measure for one in chosen for measure in await one.measure(bench)]

    with progress:
        task = progress.add_task("", total=sum(one.steps for one in chosen), completed=-1)

        def step(what: str) -> None:
            progress.update(task, description=what, advance=1)
            if not console.is_terminal:
                console.print(what)

        bench = Bench(plan, folder, step)
        gc.freeze()
        found = uvloop.run(measure())
        progress.update(task, description="done", advance=1)
    return found


def _show(run: Run, console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("", "Redress", "floor", "ratio", "target", "", "met"):
        table.add_column(name, justify="left" if not name or name == "met" else "right")
    for measure in run.measures:
        table.add_row(*cells(measure))
    console.print(table)
    for measure in run.measures:
        if measure.note:
            console.print(f"{measure.title}: {measure.note}", style="dim")


if __name__ == "__main__":
    sys.exit(main())
