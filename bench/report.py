"""The results as JSON and as docs/performance.md. Pure."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final

from bench.machine import Machine
from bench.model import Measure, Row, is_passed, judge, ratios

PICTURE: Final = "performance.svg"


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that one run found."""

    measured_on: str
    rounds: int
    is_quick: bool
    machine: Machine
    measures: Sequence[Measure]

    @property
    def rows(self) -> list[Row]:
        return [judge(measure) for measure in self.measures]


def document(run: Run) -> dict[str, Any]:
    """What goes into bench/results/latest.json."""
    return {
        "measured_on": run.measured_on,
        "rounds": run.rounds,
        "quick": run.is_quick,
        "passed": is_passed(run.rows),
        "machine": asdict(run.machine),
        "rows": [_rounded(asdict(row)) for row in run.rows],
        "rounds_of": {measure.name: _details(measure) for measure in run.measures},
    }


def page(run: Run) -> str:
    """docs/performance.md."""
    machine = run.machine
    kind = " (a quick run: it shows that measuring works, nothing more)" if run.is_quick else ""
    parts = [
        "# Performance\n",
        "<!-- Written by `make bench`; change bench/report.py instead. -->\n",
        f"Measured on {run.measured_on} in {run.rounds} rounds{kind}. {_verdict(run)}\n",
        f"![How far each measure is from its target]({PICTURE})\n",
        *_table(run),
        "",
        READING,
        *_notes(run.measures),
        "## The machine\n",
        f"{machine.cores} cores, {machine.memory_gib} GiB of memory, {machine.system}, Python {machine.python},",
        f"SQLite {machine.sqlite}. Load (processes that want a core, over a minute): {machine.load_at_start} at the start,",
        f"{machine.load_at_end} at the end, most of the latter by the measuring itself. The load generator, PostgreSQL",
        "and Kafka run on the same cores.\n",
        METHOD,
    ]
    return "\n".join(parts)


READING: Final = """\
A ratio is Redress by floor, the median over the rounds, with the lowest and the highest round in brackets. Where there
is a floor, the target is a ratio; elsewhere it is in the row's unit. A missed **gate** makes `make bench` fail; a goal
is only reported.
"""

METHOD: Final = """\
## How it is measured

Floor and product run in turns, floor, product, floor, product, within the same minutes: a shared machine's own speed
drifts by more than what is looked for, so only the ratio of two neighbours means something, and a figure by itself
holds to about ±40 %. After each turn the next one waits until the program has come to rest. Every program is a process
of its own on loopback, one worker, uvloop and httptools, no access log, `gc.freeze()` after start; SQLite with
`synchronous=FULL`, PostgreSQL with fsync on. The load generator is a small asyncio client with keep-alive connections;
every complaint (about 0.9 kB, Chinese and English in turns, with a mail address) has an Idempotency-Key of its own.

## The floors

- **Intake**: a FastAPI route with a pydantic model and SQLAlchemy Core in a group commit, which writes the same tables,
  as many rows and about as many bytes: complaint, complainant, contact point, idempotency key, subject, outbox
  (`bench/floors/intake.py`). It knows no credential, masks and seals nothing, looks up nothing and relays nothing.
  Redress does all that in the measured process, its relay included (to the embedded log); of the services only desk and
  intake are up, so that the consumers' work is not counted as intake's.
- **Relay**: read 500 rows in order, send them all, mark them, commit, by the databases' own drivers, without lease or
  fencing (`bench/floors/relay.py`). Kafka is a real broker of one node; both sides wait for all acknowledgements of an
  idempotent producer. The embedded floor is an INSERT into a bare SQLite file, without partitions.
- **Consumers**: take up to 500 records, parse them, write their rows table by table with one SQLAlchemy Core statement
  each, commit, then commit the offsets (`bench/floors/consumer.py`). Sixteen complaints are recorded first, event by
  event, with the rows that the real services write; both sides get the same log, stamped out of the recording, and the
  floor writes those rows with the copies' ids: the same tables, as many rows, as many bytes. It decides nothing, checks
  no mark and locks nothing. Redress does, with its handlers, timers and outbox; its relay rests meanwhile. Kafka's
  topics are new for every turn.
- **Catching up** and **replicas** have no bare floor: their floor is the same process after a fifth of the events, and
  one replica instead of three. The mail provider of the replicas takes 50 ms for each message and answers for the vault
  too (`bench/subjects/provider.py`).
- **The bare chain**: POST, commit with outbox, append to a log in SQLite, commit of a case by a consumer, in one
  process (`bench/floors/chain.py`). The time runs from when the POST was due to when another process sees the case's
  row in the database file; looking there, every millisecond, disturbs the program less than any request would.
- **A case page**: its floor is the three API calls that it makes, side by side, by the same client with the same
  handler's rights; ten a second each, in turn (`bench/desk.py`). All services are in one process.

## To run it

`make bench` takes some twenty-five minutes; `.venv/bin/python -m bench --quick` shows in about six that it works. `--rounds N`
sets the rounds, `--only intake,relay,consume,catchup,scale,chain,whole,desk` leaves the others out (and then nothing is written). PostgreSQL and
Kafka are started by themselves, as for the tests; where there is none, its rows stay empty and its gates count as missed.
"""


def _verdict(run: Run) -> str:
    missed = [measure.title for measure, row in zip(run.measures, run.rows, strict=True)
              if row.gate and not row.met]  # fmt: skip
    return "Every gate is met." if not missed else f"Missed gates: {'; '.join(missed)}."


def _table(run: Run) -> list[str]:
    head = [
        "| What | Redress | Floor | Ratio | Target | | Met |",
        "|---|---:|---:|---:|---:|---|---|",
    ]
    return [*head, *(f"| {' | '.join(cells(measure))} |" for measure in run.measures)]


def cells(measure: Measure) -> list[str]:
    """A measure as a line of a table: title, value, floor, ratio, target, gate or goal, met."""
    row = judge(measure)
    return [
        measure.title,
        _with_unit(row.value, row.unit),
        _with_unit(row.floor, row.unit),
        _ratio(measure, row),
        _target(row),
        "gate" if row.gate else "goal" if row.target is not None else "",
        {True: "yes", False: "NO", None: ""}[row.met],
    ]


def _notes(measures: Sequence[Measure]) -> list[str]:
    noted = [f"- {one.title}: {one.note}." for one in measures if one.note]
    return [*noted, ""] if noted else []


def _ratio(measure: Measure, row: Row) -> str:
    found = ratios(measure)
    return f"{row.ratio:.2f} ({min(found):.2f}..{max(found):.2f})" if found else ""


def _target(row: Row) -> str:
    if row.target is None:
        return ""
    sign = "≥" if row.better == "higher" else "≤"
    return f"{sign} {row.target:g}" + ("" if row.floor is not None else f" {row.unit}")


def _with_unit(value: float | None, unit: str) -> str:
    return "" if value is None else f"{figure(value)} {unit}"


def figure(value: float) -> str:
    """A figure with as many digits as mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"  # noqa: PLR2004


def _rounded(row: dict[str, Any]) -> dict[str, Any]:
    return {name: round(one, 4) if isinstance(one, float) else one for name, one in row.items()}


def _details(measure: Measure) -> dict[str, Any]:
    found = ratios(measure)
    return {
        "title": measure.title,
        "values": [round(one, 4) for one in measure.values],
        "floors": [round(one, 4) for one in measure.floors],
        "ratios": [round(one, 4) for one in found],
        "spread": [round(min(found), 4), round(median(found), 4), round(max(found), 4)]
        if found
        else [],
        "note": measure.note,
    }
