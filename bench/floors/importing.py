"""The floor of an import: the CSV parsed, and the rows that intake writes for it inserted, 200 a commit.

No check, no masking, no sealing, no look-up of what came before, no relay. Prints the seconds.
"""

import argparse
import csv
import time
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import insert

from bench.floors.grouping import sqlite_engine
from bench.floors.rows import Complaint, Contact, Person, posted, rows_of
from services.intake.store import METADATA

if TYPE_CHECKING:
    from collections.abc import Sequence

TOGETHER = 200


def _complaint(row: "Sequence[str]") -> Complaint:
    _, text, name, phone, order, occurred_at = row
    person = Person(name=name, contacts=[Contact(type="phone", value=phone)])
    return Complaint(
        text=text, channel="import", language="zh", complainant=person, references={"order": order},
        occurred_at=occurred_at,  # type: ignore[arg-type] # parsed like any
    )  # fmt: skip


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--file", type=Path, required=True)
    options.add_argument("--database", required=True)
    given = options.parse_args()
    engine = sqlite_engine(given.database)
    METADATA.create_all(engine)
    began = time.perf_counter()
    with given.file.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, strict=True)
        next(rows)
        while part := list(islice(rows, TOGETHER)):
            made = [posted(_complaint(row), key=row[0], raw=",".join(row).encode()) for row in part]
            with engine.begin() as connection:
                for table, values in rows_of(made):
                    connection.execute(insert(table), values)
    print(time.perf_counter() - began)


if __name__ == "__main__":
    main()
