"""What routing says."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.contracts.routing import ComplaintTriageRequested, ComplaintUnderstood
from shared.contracts.values import Category, Cue, Evidence
from shared.store.transaction import Tx


def say_understood(tx: Tx, row: Mapping[str, Any]) -> None:
    said = ComplaintUnderstood(
        number=row["number"],
        kind=row["kind"],
        categories=tuple(_category_value(one) for one in row["categories"]),
        severity=row["severity"],
        urgency=row["urgency"],
        unsure=row["unsure"],
        cues=tuple(
            Cue(
                id=one["id"],
                effect=one["effect"],
                matched="、".join(hit["word"] for hit in one["evidence"]),
            )
            for one in row["cues"]
        ),
        reasons=tuple(
            one["zh"] if row["language"] == "zh" else one["en"] for one in row["reasons"]
        ),
        pack=row["pack"],
        pack_version=row["pack_version"],
        model=row["model"],
        scope=row["scope"],
        emotion=row["emotion"],
        wants=tuple(row["wants"] or ()),
        by=row["decided_by"],
        understood_at=tx.now,
    )
    tx.say(said, subject=row["complaint"], unit=row["unit"])


def say_triage(tx: Tx, row: Mapping[str, Any], reasons: Sequence[str]) -> None:
    said = ComplaintTriageRequested(
        number=row["number"],
        cycle=row["cycle"],
        reasons=tuple(reasons),
        candidates=tuple(_category_value(one) for one in row["categories"]),
    )
    tx.say(said, subject=row["complaint"], unit=row["unit"])


def _category_value(one: Mapping[str, Any]) -> Category:
    evidence = tuple(
        Evidence(word=hit["word"], where=hit["place"], weight=hit["weight"])
        for hit in one["evidence"]
    )
    return Category(code=one["code"], score=round(one["score"], 4), evidence=evidence)
