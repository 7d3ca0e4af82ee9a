"""A bulletin is one event; here it becomes a message for each member of its incident, page by page."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.notify import store
from services.notify.model import About, Word, moment
from services.notify.policy.choose.customer import bulletin
from services.notify.store import bulletins as rows
from services.notify.usecases import Notify
from services.notify.usecases.telling import keep
from shared.contracts.envelope import Event
from shared.contracts.incidents import BulletinMember, IncidentBulletin
from shared.ids import new_id
from shared.store.transaction import AnyRow, Tx

LETTER = "bulletin"


async def on_bulletin(event: Event[IncidentBulletin], tx: Tx, notify: Notify) -> None:
    """Note it: its members are fetched outside this transaction."""
    await keep(event, tx, notify)
    said = event.body
    words: dict[str, Word] = {"what": {"zh": said.zh, "en": said.en}}
    if said.next_zh or said.next_en:
        words["next"] = {"zh": said.next_zh, "en": said.next_en}
    if said.by is not None:
        words["by"] = moment(said.by)
    if said.only is not None:
        await _plan(tx, notify, said.bulletin_id, words, said.only, is_danger=said.danger)
        return
    await rows.start_bulletin(
        tx,
        {
            "id": said.bulletin_id, "incident": said.incident_id, "unit": event.unit, "letter": LETTER,
            "variables": words, "is_danger": int(said.danger),
        },
    )  # fmt: skip


async def plan_page(
    tx: Tx, notify: Notify, row: AnyRow, members: Sequence[dict[str, Any]], *, after: str | None
) -> int:
    """Plan a message for each of these members and go on after them; says how many are new."""
    complaints = [one["complaint"] for one in members]
    await tx.lock(*complaints)
    if not await rows.advance_bulletin(
        tx, row.id, before=row.after, after=after, planned=len(members)
    ):
        return 0
    await store.remember_purposes(tx, complaints)
    new = 0
    for one in map(BulletinMember.model_validate, members):
        new += await _plan(tx, notify, row.id, row.variables, one, is_danger=bool(row.is_danger))
    return new


async def _plan(
    tx: Tx,
    notify: Notify,
    id_: str,
    words: Mapping[str, Word],
    one: BulletinMember,
    *,
    is_danger: bool,
) -> bool:
    """Plan a member's copy; False where they have one, by a page or as who joined late."""
    planned = bulletin(LETTER, words, id_=id_, number=one.number, is_danger=is_danger)
    about = About(
        one.complaint, one.number, one.unit, one.cycle, one.complainant_id,
        "zh" if one.language == "zh" else "en", one.pack, one.pack_version,
    )  # fmt: skip
    tx.wakes.add(notify.planned)
    return await store.plan(tx, planned, id_=new_id(), about=about, event_id=id_)
