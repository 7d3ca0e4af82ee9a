"""The digest of a day for each member of staff: planned once, whoever comes first."""

from datetime import date

from services.notify import store
from services.notify.model import About
from services.notify.policy.choose import digest as choose
from services.notify.usecases import Notify
from shared.ids import new_id
from shared.store.transaction import Tx

ROLES = frozenset({"handler", "supervisor", "watch"})


async def plan_digests(tx: Tx, notify: Notify, day: date) -> int:
    """Plan the digests of a day; says how many are new. The messages of a day are about no complaint."""
    zone, subject = notify.settings.timezone, f"digest/{day.isoformat()}"
    await tx.lock(subject)
    told = await store.told_to_staff(tx, since=choose.since(day, zone))
    waiting = await store.open_alerts(tx)
    new = 0
    for account in notify.policy.accounts.values():
        if not account.active or account.role not in ROLES:
            continue
        units = notify.policy.subtree(account.unit) if account.role != "handler" else ()
        planned = choose.digest(
            account.id,
            [choose.Told(*one) for one in told.get(account.id, ())],
            day=day,
            waiting=sum(waiting.get(unit, 0) for unit in units),
        )
        if planned is None:
            continue
        pack, version = notify.policy.in_force(account.unit, tx.now)
        if all(one.id != choose.LETTER for one in notify.policy.pack(pack, version).templates):
            continue  # a pack from before there were any
        about = About(subject, "", account.unit, 1, "", account.languages[0][:2], pack, version)
        new += await store.plan(tx, planned, id_=new_id(), about=about, event_id=None)
    if new:
        tx.wakes.add(notify.planned)
    return new
