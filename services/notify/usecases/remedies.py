"""Remedies: whoever has to approve hears of one, and the customer what was decided and what was paid."""

from services.notify import store
from services.notify.policy.choose import remedies, staff
from services.notify.usecases import Notify
from services.notify.usecases.telling import about_part, keep, record
from shared.contracts.envelope import Event
from shared.contracts.remedies import RemedyApproved, RemedyPaid, RemedyProposed
from shared.store.transaction import Tx


async def on_remedy_proposed(event: Event[RemedyProposed], tx: Tx, notify: Notify) -> None:
    """One of those whose limit it is within is to approve it."""
    await keep(event, tx, notify)
    remedy = event.body.remedy
    found = await about_part(event, tx)
    if found is None or remedy.needs is None:
        return
    units = remedies.whose(remedy.needs, list(notify.policy.upwards(event.unit)))
    people = staff.nearest(notify.policy.accounts.values(), "supervisor", units)
    for planned in remedies.to_approve(remedy, people, number=event.body.number):
        await record(tx, notify, planned, found[0], event_id=event.id)


async def on_remedy_approved(event: Event[RemedyApproved], tx: Tx, notify: Notify) -> None:
    """The customer hears what we offer, with reason, calculation and amount."""
    await keep(event, tx, notify)
    if (found := await about_part(event, tx)) is not None:
        about = found[0]
        pack = notify.policy.pack(about.pack, about.pack_version)
        known = await store.known_of(tx, event.subject)
        planned = remedies.of_approved(
            event.body.remedy, pack, number=about.number, category=known.get("category")
        )
        if planned is not None:
            await record(tx, notify, planned, about, event_id=event.id)


async def on_remedy_paid(event: Event[RemedyPaid], tx: Tx, notify: Notify) -> None:
    """The customer hears that it is paid, and under which reference."""
    await keep(event, tx, notify)
    if (found := await about_part(event, tx)) is not None:
        about = found[0]
        pack = notify.policy.pack(about.pack, about.pack_version)
        planned = remedies.of_paid(event.body.remedy, pack, number=about.number)
        if planned is not None:
            await record(tx, notify, planned, about, event_id=event.id)
