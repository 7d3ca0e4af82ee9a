"""A person says what a complaint is."""

from dataclasses import asdict, astuple
from typing import Any

from services.routing import store
from services.routing.model import Correction, Reason
from services.routing.store import learning
from services.routing.usecases.assign import assign
from services.routing.usecases.context import Routing
from services.routing.usecases.finding import in_reach
from services.routing.usecases.say import say_understood
from shared.contracts.routing import ComplaintCorrected
from shared.errors import Conflict, FieldError, Invalid
from shared.masking import mask
from shared.packs.model import Pack
from shared.store.transaction import Tx


async def correct(
    tx: Tx,
    routing: Routing,
    *,
    number: str,
    correction: Correction,
    by: str,
    units: frozenset[str],
) -> None:
    """A person says what it is; the machine's understanding stays on the log. Raises NotFound, Invalid, Conflict."""
    row = await in_reach(tx, number, units)
    pack = routing.policy.pack(row["pack"], row["pack_version"])
    kind, category, severity, reason = astuple(correction)
    known = _category(pack, category)
    if row["state"] == "done":
        raise Conflict(
            "The case is closed: reopen it first.", zh="工单已关闭，请先重新打开。",
            errors=[FieldError("number", "closed", "is closed", "已关闭")],
        )  # fmt: skip
    await learning.keep_lesson(tx, row, correction)
    changes: dict[str, object] = {
        "kind": kind,
        "categories": [{"code": category, "score": 1.0, "evidence": []}],
        "severity": severity,
        "urgency": pack.urgency[severity],
        "unsure": False,
        "reasons": [
            asdict(Reason("corrected", f"由人更正：{reason}", f"Corrected by a person: {reason}"))
        ],
        "team": known.team,
        "skills": sorted(known.skills),
        "helpers": [],
        "decided_by": by,
        "decided_at": tx.now,
    }
    is_owned = row["state"] == "assigned"
    if not is_owned:
        changes["state"] = "waiting"
    store.change_decision(tx, row["complaint"], **changes)
    new = dict(row) | changes
    said = ComplaintCorrected(
        number=row["number"],
        by=by,
        reason=mask(reason).text,
        old_kind=row["kind"],
        old_category=row["categories"][0]["code"] if row["categories"] else None,
        old_severity=row["severity"],
        new_kind=kind,
        new_category=category,
        new_severity=severity,
    )
    tx.say(said, subject=row["complaint"], unit=row["unit"])
    say_understood(tx, new)
    if not is_owned:
        await assign(tx, routing, new)


def _category(pack: Pack, code: str) -> Any:  # noqa: ANN401 - the pack's Category
    try:
        return pack.category(code)
    except KeyError:
        known = ", ".join(one.code for one in pack.taxonomy)
        raise Invalid(
            f"There is no category {code!r} in {pack.ref}.", zh=f"策略包 {pack.ref} 中没有类别 {code}。",
            errors=[FieldError("category", "unknown", f"is none of {known}", "未知类别")],
        ) from None  # fmt: skip
