"""How well texts are understood that nobody tuned to: by words alone, by what was learnt alone, by both.

`python -m bench.understanding [--texts FOLDER] [--no-write]`; with `--crosswise` or `--since FOLDER` it judges the
packs' own examples instead, which may be tuned to (see bench.crosswise), and prints the same.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.crosswise import across, since
from dev.models import shipped_packs
from services.routing.policy.figures import Answer, macro_f1
from services.routing.policy.learnt import Learnt
from services.routing.policy.lessons import Lesson, learn
from services.routing.policy.measure import Judgement, judge
from services.routing.usecases.models import common, shipped
from shared.language import detect_language
from shared.packs.load import load_folder, shipped_folder
from shared.packs.model import SEVERITIES, Pack, Severity, Words

CASES: Final = (2, 5, 10, 20)
"""Labelled cases a category and language, beside all there are."""
ROOT: Final = Path(__file__).resolve().parent.parent
WAYS: Final = ("words", "learnt", "both")
WORKERS: Final = 4


@dataclass(frozen=True, slots=True)
class Quality:
    """Shares of 1. `missed`: critical texts judged below high, of `critical` ones. `false_high`: of
    those that are low or normal.
    """

    texts: int
    kind: float
    category_f1: float
    category: float
    severity: float
    missed: int
    critical: int
    false_high: float
    answered: float
    precision: float


def judged(
    pack: Pack, lessons: Sequence[Lesson], model: Learnt | None, way: str
) -> list[Judgement]:
    """Understand each text one of three ways."""
    seen = without_words(pack) if way == "learnt" else pack
    return judge(seen, None if way == "words" else model, lessons)


def without_words(pack: Pack) -> Pack:
    """The pack as if it named no words."""
    none = Words()
    return pack.model_copy(
        update={
            "kinds": tuple(
                one.model_copy(update={"strong": none, "words": none}) for one in pack.kinds
            ),
            "taxonomy": tuple(one.model_copy(update={"keywords": none}) for one in pack.taxonomy),
            "cues": tuple(one.model_copy(update={"examples": none}) for one in pack.cues),
        }
    )


def quality(judgements: Sequence[Judgement]) -> Quality:
    """The figures of some judgements."""
    pairs = [(one.said, one.found) for one in judgements]
    count = len(pairs) or 1
    answered = [(said, found) for said, found in pairs if not found.unsure]
    critical = [found for said, found in pairs if said.severity == "critical"]
    calm = [found for said, found in pairs if said.severity in ("low", "normal")]
    return Quality(
        texts=len(pairs),
        kind=sum(found.kind == said.kind for said, found in pairs) / count,
        category_f1=macro_f1([Answer(said.category, found.category) for said, found in pairs]),
        category=sum(found.category == said.category for said, found in pairs) / count,
        severity=sum(found.severity == said.severity for said, found in pairs) / count,
        missed=sum(not _is_grave(found.severity) for found in critical),
        critical=len(critical),
        false_high=sum(_is_grave(found.severity) for found in calm) / (len(calm) or 1),
        answered=len(answered) / count,
        precision=sum(found.category == said.category for said, found in answered)
        / (len(answered) or 1),
    )


def _is_grave(severity: Severity) -> bool:
    return SEVERITIES.index(severity) >= SEVERITIES.index("high")


Found = dict[str, list[Judgement]]
"""Judgements by way, of one pack."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report, and write it to docs/understanding.md."""
    parser = argparse.ArgumentParser(prog="python -m bench.understanding", description=__doc__)
    parser.add_argument("--texts", type=Path, default=ROOT / "tests" / "aside")
    parser.add_argument(
        "--crosswise",
        action="store_true",
        help="judge the packs' examples, each by models of others",
    )
    parser.add_argument(
        "--since",
        type=Path,
        metavar="FOLDER",
        help="judge the examples that the packs in FOLDER have not, by what those teach",
    )
    parser.add_argument("--no-write", action="store_true", help="leave docs alone")
    options = parser.parse_args(arguments)
    if options.crosswise or options.since:
        parts = since(shipped_packs(), options.since) if options.since else across(shipped_packs())
        sys.stdout.write(page(_by_way(parts), {}))
        return 0
    found, cases = _all_packs(options.texts)
    text = page(found, cases)
    sys.stdout.write(text)
    if not options.no_write:
        (ROOT / "docs" / "understanding.md").write_text(text, encoding="utf-8")
    return 0


def _all_packs(folder: Path) -> tuple[dict[str, Found], dict[str, list[Judgement]]]:
    """Judge each pack's texts, some packs at a time."""
    names = sorted(one.stem for one in folder.glob("*.jsonl"))
    found: dict[str, Found] = {}
    cases: dict[str, list[Judgement]] = {}
    with ProcessPoolExecutor(WORKERS) as pool:
        for ways, by_case in pool.map(_one_pack, names, [folder] * len(names)):
            found |= ways
            for count, judgements in by_case.items():
                cases.setdefault(count, []).extend(judgements)
    return found, cases


def _one_pack(name: str, folder: Path) -> tuple[dict[str, Found], dict[str, list[Judgement]]]:
    pack = load_folder(shipped_folder(), name)
    lines = (folder / f"{name}.jsonl").read_text("utf-8").splitlines()
    lessons = [_lesson(json.loads(line)) for line in lines]
    found = _by_way([(pack, shipped(pack) or learn(pack, common=common()), lessons)])
    return found, _by_cases(pack, lessons) | {"all": found[pack.ref]["both"]}


def _by_way(parts: Iterable[tuple[Pack, Learnt | None, Sequence[Lesson]]]) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for pack, model, lessons in parts:
        sys.stderr.write(f"{pack.ref}: {len(lessons)} texts\n")
        ways = found.setdefault(pack.ref, {way: [] for way in WAYS})
        for way in WAYS:
            ways[way] += judged(pack, lessons, model, way)
    return found


def _by_cases(pack: Pack, lessons: Sequence[Lesson]) -> dict[str, list[Judgement]]:
    """By how many labelled cases of its own a pack was learnt from; what all share stays."""
    return {
        f"{count}": judged(pack, lessons, learn(_fewer(pack, count), common=common()), "both")
        for count in CASES
    }


def _lesson(row: Mapping[str, object]) -> Lesson:
    text, kind, category, severity = (row[one] for one in ("text", "kind", "category", "severity"))
    return Lesson(str(text), kind, str(category), severity)  # type: ignore[arg-type]


def _fewer(pack: Pack, count: int) -> Pack:
    """The pack with so many examples a category and language."""
    kept = []
    for one in pack.examples:
        seen: Counter[str] = Counter()
        texts = []
        for text in one.texts:
            seen[detect_language(text.text)] += 1
            if seen[detect_language(text.text)] <= count:
                texts.append(text)
        kept.append(one.model_copy(update={"texts": tuple(texts)}))
    return pack.model_copy(update={"examples": tuple(kept)})


TARGETS: Final = {"kind": 0.85, "category F1": 0.75, "severity": 0.85}


def page(found: Mapping[str, Found], cases: Mapping[str, Sequence[Judgement]]) -> str:
    """The report as Markdown."""
    lines = [
        "# How well texts are understood",
        "",
        "Written by `make understanding`, on the texts of `tests/aside`, which nobody tuned to. *Kind* and *severity*: the share",
        "that is exactly right; *category F1*: the mean over the categories; *missed*: critical texts judged below high, of the",
        "critical ones; *false high*: of the low and normal ones; *answered*: the share that is not left to a person, and how many of those have the right category.",
        f"Targets, for each language: {', '.join(f'{name} ≥ {least}' for name, least in TARGETS.items())}, none missed.",
        "",
        *_table("All packs", {way: [j for one in found.values() for j in one[way]] for way in WAYS}),
    ]  # fmt: skip
    for ref, ways in found.items():
        lines += _table(ref, ways)
    if cases:
        lines += [
            "## By labelled cases a category and language (both; what all packs share is whole)",
            "",
            *_HEAD,
        ]
        for count, judged in cases.items():
            for language in ("zh", "en"):
                lines.append(_row(count, language, judged))
    return "\n".join(lines).rstrip() + "\n"


_HEAD: Final = (
    "| | language | texts | kind | category F1 | category | severity | missed | false high | answered | right of those |",
    "|---|---|---|---|---|---|---|---|---|---|---|",
)


def _table(title: str, ways: Mapping[str, Sequence[Judgement]]) -> list[str]:
    rows = [_row(way, language, found) for way, found in ways.items() for language in ("zh", "en")]
    return [f"## {title}", "", *_HEAD, *rows, ""]


def _row(name: str, language: str, found: Sequence[Judgement]) -> str:
    of = quality([one for one in found if detect_language(one.said.text) == language])
    shares = (of.kind, of.category_f1, of.category, of.severity)
    figures = " | ".join(f"{share:.3f}" for share in shares)
    return (
        f"| {name} | {language} | {of.texts} | {figures} | {of.missed} of {of.critical} | "
        f"{of.false_high:.2f} | {of.answered:.2f} | {of.precision:.3f} |"
    )


if __name__ == "__main__":
    sys.exit(main())
