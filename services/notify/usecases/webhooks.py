"""Webhooks of other systems: made, changed, delivered to, left alone, set going again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.notify import store
from services.notify.channels.guarded import Outcome
from services.notify.channels.signature import OLD_FOR
from services.notify.model import Wanted
from services.notify.policy.deliveries import health_after, next_delivery
from services.notify.policy.wanted import category_in, is_wanted
from services.notify.store import webhooks as rows
from services.notify.store.webhooks import Due, Webhook
from shared.contracts.notify import SubscriptionDisabled
from shared.errors import NotFound
from shared.ids import new_id
from shared.policy import Policy
from shared.store.transaction import AnyRow, Tx


@dataclass(frozen=True, slots=True)
class Delivered:
    """An attempt that ended."""

    due: Due
    outcome: Outcome
    at: datetime
    milliseconds: int
    jitter: float


async def make_webhook(
    tx: Tx, *, unit: str, label: str, url: str, wants: Wanted, position: int, by: str
) -> str:
    """Add a webhook that gets what comes beyond a position of the feed; gives its id."""
    id_ = new_id()
    await rows.add_webhook(
        tx,
        {
            "id": id_, "unit": unit, "label": label, "url": url, "wants": wants_kept(wants), "state": "active",
            "generation": 1, "position": position, "made_at": tx.now, "made_by": by,
        },
    )  # fmt: skip
    return id_


def wants_kept(wants: Wanted) -> dict[str, list[str]]:
    """As they are kept."""
    return {
        "types": list(wants.types),
        "units": list(wants.units),
        "categories": list(wants.categories),
    }


async def mine(tx: Tx, id_: str, units: frozenset[str]) -> Webhook:
    """A webhook within reach, held until the commit. Raises NotFound."""
    found = await rows.hold_webhook(tx, id_)
    if found is None or found.unit not in units:
        raise NotFound(f"There is no webhook {id_!r}.", zh=f"没有 webhook {id_}。")
    return found


async def rotate(tx: Tx, webhook: Webhook) -> int:
    """Give it a new secret; the old one signs beside it for a day. Gives the generation."""
    await rows.change_webhook(
        tx, webhook.id, generation=webhook.generation + 1, old_until=tx.now + OLD_FOR
    )
    return webhook.generation + 1


async def set_going(tx: Tx, webhook: Webhook) -> None:
    """Go on where it was left: nothing of what came meanwhile is missed."""
    await rows.change_webhook(tx, webhook.id, state="active", failing_since=None, reason=None)
    await rows.hurry(tx, webhook.id)


async def leave_alone(tx: Tx, webhook: Webhook, reason: str) -> None:
    """Deliver no more until it is set going again."""
    await rows.change_webhook(tx, webhook.id, state="disabled", reason=reason)


async def queue_new(tx: Tx, webhook: Webhook, found: Sequence[AnyRow], *, position: int) -> bool:
    """Queue what is new in the feed for a webhook."""
    wanted = [row for row in found if await _is_for(tx, webhook, row)]
    return await rows.queue(tx, webhook.id, wanted, position=position)


async def _is_for(tx: Tx, webhook: Webhook, row: AnyRow) -> bool:
    category = None
    if webhook.wants.categories:
        category = category_in(row.event) or (await store.known_of(tx, row.subject)).get("category")
    return is_wanted(webhook.wants, type_=row.type, category=category)


def reach_of(webhook: Webhook, policy: Policy) -> frozenset[str]:
    """The units whose events it may get, as of now."""
    return webhook.wants.units_within(policy.subtree(webhook.unit), policy.subtree)


async def send_again(
    tx: Tx,
    webhook: Webhook,
    policy: Policy,
    *,
    event_id: str | None,
    since: int,
    until: int,
    limit: int,
) -> int:
    """Queue events of the past, whether or not they were delivered; says how many."""
    found = await rows.replay(
        tx,
        reach_of(webhook, policy),
        event_id=event_id,
        since=since,
        until=until,
        limit=limit,
    )
    wanted = [row for row in found if event_id is not None or await _is_for(tx, webhook, row)]
    await rows.queue_again(tx, webhook.id, wanted)
    return len(wanted)


async def end_attempts(tx: Tx, webhook: Webhook, ended: Sequence[Delivered]) -> None:
    """Record what became of attempts; one that fails for days is left alone, and that is told."""
    held = await rows.hold_webhook(tx, webhook.id)
    if held is None:
        return
    await rows.log_deliveries(tx, [_logged(one) for one in ended])
    await rows.end_deliveries(tx, webhook.id, [_ended(one, tx.now) for one in ended])
    if any(one.outcome.is_taken for one in ended):
        if held.failing_since is not None:
            await rows.change_webhook(tx, webhook.id, failing_since=None)
            await rows.hurry(tx, webhook.id)
    elif held.state == "active":
        await _failed(tx, held, ended[-1].outcome)


def _logged(one: Delivered) -> dict[str, object]:
    return {
        "webhook": one.due.webhook.id, "position": one.due.position, "event_id": one.due.event_id,
        "attempt": one.due.attempt, "at": one.at, "milliseconds": one.milliseconds,
        "result": "delivered" if one.outcome.is_taken else "failed", "code": one.outcome.code[:100],
    }  # fmt: skip


def _ended(one: Delivered, now: datetime) -> dict[str, object]:
    if one.outcome.is_taken:
        return {"position": one.due.position, "state": "delivered", "next_at": None}
    again = next_delivery(
        attempts=one.due.attempt, now=now, asked=one.outcome.retry_after, jitter=one.jitter
    )
    return {"position": one.due.position, "state": "pending", "next_at": again}


async def _failed(tx: Tx, webhook: Webhook, outcome: Outcome) -> None:
    since = webhook.failing_since or tx.now
    health = health_after(status=outcome.status, failing_since=since, now=tx.now)
    if health == "active":
        if webhook.failing_since is None:
            await rows.change_webhook(tx, webhook.id, failing_since=tx.now)
        return
    await rows.change_webhook(tx, webhook.id, state="disabled", reason=health, failing_since=since)
    await store.raise_alert(
        tx,
        kind="webhook",
        unit=webhook.unit,
        subject=webhook.id,
        reason=f"{health}: {outcome.code}"[:300],
    )
    subject = f"webhook/{webhook.id}"
    await tx.lock(subject)
    said = SubscriptionDisabled(
        webhook_id=webhook.id, label=webhook.label, reason=health, failing_since=since, at=tx.now
    )
    tx.say(said, subject=subject, unit=webhook.unit)
