"""How well texts are understood that nobody tuned to: by words alone, by what was learnt alone, by both.

`python -m bench.understanding [--texts FOLDER] [--crosswise] [--no-write]`. With `--crosswise` it judges the packs' own
examples instead, each by a model that was trained on the others: what may be tuned to.
"""

import argparse
import json
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.routing.policy.figures import Answer, macro_f1
from services.routing.policy.learnt import Learnt
from services.routing.policy.lessons import Lesson, examples_of, learn
from services.routing.policy.plain import language_of
from services.routing.policy.understand import understand
from services.routing.usecases.models import shipped
from shared.packs.load import load_folder, shipped_folder
from shared.packs.model import SEVERITIES, Pack, Words

FOLDS: Final = 5
CASES: Final = (2, 5, 10, 20)
"""Labelled cases a category and language, beside all there are."""
ROOT: Final = Path(__file__).resolve().parent.parent
WAYS: Final = ("words", "learnt", "both")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person says of a text, and what was understood."""

    language: str
    said: Lesson
    kind: str
    category: str
    severity: str
    unsure: bool


@dataclass(frozen=True, slots=True)
class Quality:
    """Shares of 1. `missed`: critical texts judged below high, of `critical` ones."""

    texts: int
    kind: float
    category_f1: float
    category: float
    severity: float
    missed: int
    critical: int
    answered: float
    precision: float


def judge(pack: Pack, lessons: Sequence[Lesson], model: Learnt | None, way: str) -> list[Judgement]:
    """Understand each text one of three ways."""
    seen = without_words(pack) if way == "learnt" else pack
    found = []
    for one in lessons:
        what = understand(
            text=one.text,
            subject=None,
            fields={},
            channel="web",
            pack=seen,
            language="zh",
            model=None if way == "words" else model,
        )
        found.append(
            Judgement(
                language_of(one.text), one, what.kind, what.category, what.severity, what.unsure
            )
        )
    return found


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


def crosswise(
    pack: Pack, lessons: Sequence[Lesson]
) -> Iterator[tuple[Learnt | None, list[Lesson]]]:
    """Each fold of the texts with a model that was trained on the others."""
    order = list(lessons)
    random.Random(11).shuffle(order)  # noqa: S311 - repeatable, no secret
    bare = pack.model_copy(update={"examples": ()})
    for fold in range(FOLDS):
        aside = order[fold::FOLDS]
        kept = [one for at, one in enumerate(order) if at % FOLDS != fold]
        yield learn(bare, kept), aside


def quality(found: Sequence[Judgement]) -> Quality:
    """The figures of some judgements."""
    count = len(found) or 1
    answered = [one for one in found if not one.unsure]
    critical = [one for one in found if one.said.severity == "critical"]
    return Quality(
        texts=len(found),
        kind=sum(one.kind == one.said.kind for one in found) / count,
        category_f1=macro_f1([Answer(one.said.category, one.category) for one in found]),
        category=sum(one.category == one.said.category for one in found) / count,
        severity=sum(one.severity == one.said.severity for one in found) / count,
        missed=sum(SEVERITIES.index(one.severity) < SEVERITIES.index("high") for one in critical),
        critical=len(critical),
        answered=len(answered) / count,
        precision=sum(one.category == one.said.category for one in answered) / (len(answered) or 1),
    )


Found = dict[str, list[Judgement]]
"""Judgements by way, of one pack."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report, and write it to docs/understanding.md."""
    parser = argparse.ArgumentParser(prog="python -m bench.understanding", description=__doc__)
    parser.add_argument("--texts", type=Path, default=ROOT / "tests" / "aside")
    parser.add_argument(
        "--crosswise", action="store_true", help="judge the packs' examples instead"
    )
    parser.add_argument("--no-write", action="store_true", help="leave docs alone")
    options = parser.parse_args(arguments)
    found: dict[str, Found] = {}
    cases: dict[str, list[Judgement]] = {}
    for pack, lessons in _texts(options.texts, own=options.crosswise):
        sys.stderr.write(f"{pack.ref}: {len(lessons)} texts\n")
        if options.crosswise:
            folds = list(crosswise(pack, lessons))
            found[pack.ref] = {
                way: [one for model, part in folds for one in judge(pack, part, model, way)]
                for way in WAYS
            }
            continue
        model = shipped(pack) or learn(pack)
        found[pack.ref] = {way: judge(pack, lessons, model, way) for way in WAYS}
        for count in CASES:
            fewer = learn(_fewer(pack, count))
            cases.setdefault(f"{count}", []).extend(judge(pack, lessons, fewer, "both"))
        cases.setdefault("all", []).extend(found[pack.ref]["both"])
    text = page(found, cases)
    sys.stdout.write(text)
    if not (options.no_write or options.crosswise):
        (ROOT / "docs" / "understanding.md").write_text(text, encoding="utf-8")
    return 0


def _texts(folder: Path, *, own: bool) -> Iterator[tuple[Pack, list[Lesson]]]:
    names = sorted(one.name for one in shipped_folder().iterdir() if (one / "pack.yaml").exists())
    for name in names:
        pack = load_folder(shipped_folder(), name)
        file = folder / f"{name}.jsonl"
        if own and pack.examples:
            yield pack, examples_of(pack)
        elif not own and file.exists():
            yield pack, [_lesson(json.loads(line)) for line in file.read_text("utf-8").splitlines()]


def _lesson(row: Mapping[str, object]) -> Lesson:
    text, kind, category, severity = (row[one] for one in ("text", "kind", "category", "severity"))
    return Lesson(str(text), kind, str(category), severity)  # type: ignore[arg-type]


def _fewer(pack: Pack, count: int) -> Pack:
    """The pack with so many examples a category and language."""
    kept = []
    for one in pack.examples:
        seen = {"zh": 0, "en": 0}
        texts = []
        for text in one.texts:
            seen[language_of(text.text)] += 1
            if seen[language_of(text.text)] <= count:
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
        "critical ones; *answered*: the share that is not left to a person, and how many of those have the right category.",
        f"Targets, for each language: {', '.join(f'{name} ≥ {least}' for name, least in TARGETS.items())}, none missed.",
        "",
        *_table("All packs", {way: [j for one in found.values() for j in one[way]] for way in WAYS}),
    ]  # fmt: skip
    for ref, ways in found.items():
        lines += _table(ref, ways)
    if cases:
        lines += ["## By labelled cases a category and language (both)", "", *_HEAD]
        for count, judged in cases.items():
            for language in ("zh", "en"):
                lines.append(_row(count, language, judged))
    return "\n".join(lines).rstrip() + "\n"


_HEAD: Final = (
    "| | language | texts | kind | category F1 | category | severity | missed | answered | right of those |",
    "|---|---|---|---|---|---|---|---|---|---|",
)


def _table(title: str, ways: Mapping[str, Sequence[Judgement]]) -> list[str]:
    rows = [_row(way, language, found) for way, found in ways.items() for language in ("zh", "en")]
    return [f"## {title}", "", *_HEAD, *rows, ""]


def _row(name: str, language: str, found: Sequence[Judgement]) -> str:
    of = quality([one for one in found if one.language == language])
    shares = (of.kind, of.category_f1, of.category, of.severity)
    figures = " | ".join(f"{share:.3f}" for share in shares)
    return (
        f"| {name} | {language} | {of.texts} | {figures} | {of.missed} of {of.critical} | "
        f"{of.answered:.2f} | {of.precision:.3f} |"
    )


if __name__ == "__main__":
    sys.exit(main())
