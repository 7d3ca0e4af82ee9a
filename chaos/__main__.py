"""`python -m chaos smoke|full|mutants|one`: break a system under load and hold it to its promises.

`smoke` is a short pass over both engines for CI; `full` is everything on one engine, `--slice I/N` a part of it whose
results add up with the other parts'; `mutants` shows that mistakes built in on purpose are noticed; `one` is a single
scenario. A seed reproduces the order of the faults.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import TYPE_CHECKING

from rich.console import Console

from chaos import results
from chaos.mutants import MUTANTS
from chaos.run import Outcome, judge, running
from chaos.scenarios import CATCHING, FULL, SCENARIOS, SMOKE, Job
from dev.process import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chaos.engines import Kind

RATE = 50.0
SMOKE_RATE = 20.0
"""Complaints a second. A short run is to break things, not to wait for a backlog to drain."""
WARM_UP_SECONDS = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 when every promise was kept, 1 when one was broken or an engine is missing."""
    options = _options(arguments)
    console = Console(highlight=False)
    try:
        verdicts = (
            _mutants(options, console) if options.suite == "mutants" else _suite(options, console)
        )
    except EngineError as error:
        console.print(f"[bold red]chaos:[/] {error}")
        return 1
    good = sum(verdicts)
    print(f"{good} passed, {len(verdicts) - good} failed")
    return 0 if all(verdicts) else 1


def _suite(options: argparse.Namespace, console: Console) -> list[bool]:
    verdicts, kept = [], set()
    for job in _jobs(options):
        outcome = asyncio.run(_do(job, options, console))
        verdicts.append(outcome.is_good)
        _show(outcome, console)
        if options.keep:
            is_first = job.scenario not in kept
            kept.add(job.scenario)
            results.keep([outcome], afresh=options.slice is None and is_first)
    if options.keep:
        results.write_page()
    return verdicts


def _mutants(options: argparse.Namespace, console: Console) -> list[bool]:
    """Whether each mistake was noticed."""
    verdicts = []
    for name in [options.mutant] if options.mutant else CATCHING:
        console.print(f"mutant [bold]{name}[/]")
        outcome = asyncio.run(_do(CATCHING[name], options, console, mutant=name))
        _show(outcome, console)
        verdicts.append(not outcome.is_good)
    return verdicts


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("suite", choices=("smoke", "full", "mutants", "one"))
    parser.add_argument(
        "--engine", choices=("embedded", "grown"), help="of full and one (embedded)"
    )
    parser.add_argument("--scenario", choices=sorted(SCENARIOS), help="of one; of full: only this")
    parser.add_argument("--times", type=int, help="of one: how often")
    parser.add_argument("--replicas", type=int, help="processes (1 embedded, 2 grown)")
    parser.add_argument("--rate", type=float, help="complaints a second (50; smoke 20)")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--slice", help="of full: I/N, the I-th of N parts")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="of mutants: only this one")
    parser.add_argument("--keep", action="store_true", help="keep results, and put them into docs")
    options = parser.parse_args(arguments)
    options.rate = options.rate or (RATE if options.suite in {"full", "one"} else SMOKE_RATE)
    return options


def _jobs(options: argparse.Namespace) -> list[Job]:
    engine: Kind = options.engine or "embedded"
    if options.suite == "smoke":
        return list(SMOKE)
    if options.suite == "one":
        return [Job(engine, options.scenario or "random", options.times or 10, options.replicas)]
    part, parts = map(int, (options.slice or "1/1").split("/"))
    wanted = (options.scenario,) if options.scenario else SCENARIOS
    chosen = [one for one in FULL if one.engine == engine and one.scenario in wanted]
    return [one.part(part, parts) for one in chosen]


async def _do(
    job: Job, options: argparse.Namespace, console: Console, *, mutant: str = ""
) -> Outcome:
    started = time.monotonic()
    seed = options.seed
    console.print(f"[bold]{job.scenario}[/] × {job.times} on {job.engine}, seed {seed}")

    def tell(what: str) -> None:
        if console.is_terminal:
            console.print(f"  [dim]{time.monotonic() - started:5.0f} s  {what}[/]")

    scenario = SCENARIOS[job.scenario]
    async with (
        scenario.ground() as data,
        running(
            job, seed=seed, rate=job.rate or options.rate, tell=tell, data=data, mutant=mutant,
            is_fixed=scenario.is_fixed,
        ) as run,
    ):  # fmt: skip
        await asyncio.sleep(WARM_UP_SECONDS)
        await scenario.do(run, times=job.times)
        outcome = await judge(run)
    outcome.seconds = round(time.monotonic() - started, 1)
    return outcome


def _show(outcome: Outcome, console: Console) -> None:
    state = "[green]kept[/]" if outcome.is_good else "[red]BROKEN[/]"
    console.print(
        f"  {state}: {outcome.faults} faults, {outcome.complaints} complaints, {outcome.messages} messages, "
        f"{outcome.repeats} mails repeated, back after {outcome.recovery_median} s "
        f"(at most {outcome.recovery_max} s), at rest after {outcome.rest_seconds} s, {outcome.seconds} s in all"
    )
    for text in [*outcome.violations[:10], *outcome.notes]:
        console.print(f"    {text}", markup=False)
    for kind, count in sorted(outcome.by_kind.items()):
        console.print(f"    {count:4}  {kind}", style="dim")


if __name__ == "__main__":
    sys.exit(main())
