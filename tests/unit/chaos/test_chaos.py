"""What the breaking of systems stands on: order of keys, slices that add up, a table that hides nothing."""

from __future__ import annotations

from collections import defaultdict
from random import Random

from chaos.poison import bad_records
from chaos.results import in_words
from chaos.run import Outcome
from chaos.scenarios import FULL, Job, shuffled_within_keys
from shared.bus.port import Message


def test_shuffling_keeps_each_keys_order() -> None:
    records = [Message(f"k{at % 7}", b"%d" % at) for at in range(200)]

    shuffled = shuffled_within_keys(records, Random(1))

    by_key: dict[str, list[int]] = defaultdict(list)
    for one in shuffled:
        by_key[one.key].append(int(one.value))
    assert sorted(shuffled) == sorted(records)
    assert shuffled != records
    assert all(values == sorted(values) for values in by_key.values())


def test_slices_add_up_to_the_whole() -> None:
    whole = Job("grown", "random", 200)

    assert sum(whole.part(part, 3).times for part in (1, 2, 3)) == 200
    assert {job.engine for job in FULL} == {"embedded", "grown"}


def test_the_table_adds_slices_up_and_names_what_was_broken() -> None:
    kept = Outcome("grown", "random", 1, faults=70, complaints=1_000, measured_on="2026-03-02")
    kept.recoveries += [1.0, 9.0]
    broken = Outcome("grown", "random", 2, faults=30, complaints=500, measured_on="2026-03-03")
    broken.violations.append("I5 its case holds 2 receipts [c1]")

    table = in_words([kept.document(), broken.document()])

    assert "| 100 | 1,500 | I5 | 5.0 s, 9.0 s | 2026-03-03 |" in table


def test_beside_a_hand_over_stands_what_the_load_alone_costs() -> None:
    outcome = Outcome("grown", "handover", 1, faults=2, measured_on="2026-03-02")
    outcome.recoveries, outcome.undisturbed = [2.5, 2.7], [1.4, 1.6]

    assert "| 2.6 s, 2.7 s (with nothing ended: 1.5 s) |" in in_words([outcome.document()])


def test_each_kind_of_poison_has_a_subject_of_its_own() -> None:
    records = bad_records("p")

    assert len(records) >= 10
    assert all(value for _, value in records.values())
