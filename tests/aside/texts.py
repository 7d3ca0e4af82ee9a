"""The texts kept aside, and the table of them in the page: `python -m tests.aside.texts` renews it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict

from shared.packs.model import KINDS, SEVERITIES, Kind, Language, Severity

FOLDER: Final = Path(__file__).resolve().parent
PAGE: Final = FOLDER / "README.md"
PACKS: Final = ("generic", "power", "cement", "property", "catering", "ecommerce", "automotive")
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
MARKS: Final = ("<!-- table -->\n", "<!-- end of table -->\n")


class Labelled(BaseModel):
    """A text with what a careful person says of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    text: str
    language: Language
    pack: str
    kind: Kind
    category: str
    severity: Severity
    cues: list[str]


def texts_of(pack: str) -> list[Labelled]:
    """Return the texts of a pack, as in its file."""
    lines = (FOLDER / f"{pack}.jsonl").read_text(encoding="utf-8").splitlines()
    return [Labelled.model_validate_json(line) for line in lines]


def table() -> str:
    """Count the texts: a row a pack, a column each language, kind and severity."""
    columns = [*LANGUAGES, *KINDS, *SEVERITIES]
    rows = {pack: _counted(texts_of(pack)) for pack in PACKS}
    rows["all"] = sum(rows.values(), Counter())
    head = ["pack", "categories", "texts", *columns]
    return "\n".join(
        [
            "| " + " | ".join(head) + " |",
            "| --- " + "| ---: " * (len(head) - 1) + "|",
            *(
                f"| {pack} | " + " | ".join(str(counts[column]) for column in head[1:]) + " |"
                for pack, counts in rows.items()
            ),
            "",
        ]
    )


def page() -> str:
    """Return the page with the table as it should be."""
    before, rest = PAGE.read_text(encoding="utf-8").split(MARKS[0])
    _, after = rest.split(MARKS[1])
    return before + MARKS[0] + table() + MARKS[1] + after


def _counted(texts: list[Labelled]) -> Counter[str]:
    labels = (label for each in texts for label in (each.language, each.kind, each.severity))
    return Counter(labels) + Counter(
        {"texts": len(texts), "categories": len({each.category for each in texts})}
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
