"""A complaint comes in, is closed, is opened again."""

from services.routing import store
from services.routing.policy.helping import find_helpers
from services.routing.policy.understand import understand
from services.routing.usecases.assign import assign
from services.routing.usecases.context import Routing
from services.routing.usecases.finding import known
from services.routing.usecases.say import say_triage, say_understood
from shared.contracts.envelope import Event
from shared.contracts.followup import CaseClosed, CaseReopened
from shared.contracts.intake import ComplaintReceived
from shared.errors import NotHereYet
from shared.store.transaction import Tx

_FIELDS = ("product", "shop", "area", "remedy_sought")


async def route(event: Event[ComplaintReceived], tx: Tx, routing: Routing) -> None:
    """Understand a complaint, and give it to a handler; what is unsure goes to a person."""
    said = event.body
    if event.unit not in routing.policy.units:
        raise NotHereYet(f"unit {event.unit} is not here yet")
    pack = routing.policy.pack(said.pack, said.pack_version)
    fields = {name: value for name in _FIELDS if (value := getattr(said, name))}
    understood = understand(
        text=said.text,
        subject=said.subject,
        fields=fields,
        channel=said.channel,
        pack=pack,
        language=said.language,
        model=await routing.models.of(tx, pack),
    )
    row: dict[str, object] = {
        "complaint": event.subject,
        "number": said.number,
        "unit": event.unit,
        "cycle": 1,
        "state": "triage" if understood.unsure else "waiting",
        "area": said.area,
        "complainant": said.complainant_id,
        "helpers": list(find_helpers(pack, understood)),
        "handler": None,
        "weight": 0,
        "refused": None,
        "line": None,
        "rank": 0,
        "waits_since": None,
        "choice": {"reasons": [], "passed_over": []},
        "pack": pack.pack.id,
        "pack_version": pack.pack.version,
        "text": said.text,
        "decided_by": "machine",
        "decided_at": tx.now,
    } | store.understanding_columns(understood)
    store.add_decision(tx, row)
    say_understood(tx, row)
    if understood.unsure:
        reasons = [reason.say(said.language) for reason in understood.unsure_because]
        say_triage(tx, row, reasons)
        return
    await assign(tx, routing, row)


async def reassign(event: Event[CaseReopened], tx: Tx, routing: Routing) -> None:
    """The next cycle is given out again, at least as severe as the case now is."""
    row = await known(tx, event)
    if event.body.cycle <= row["cycle"]:
        return
    if row["handler"] is not None and row["state"] == "assigned":
        store.give_load_back(tx, row["handler"], row["weight"])
    changes: dict[str, object] = {
        "cycle": event.body.cycle,
        "state": "waiting",
        "handler": None,
        "refused": None,
        "waits_since": None,
    }
    if event.body.severity is not None:
        changes["severity"] = event.body.severity
    if row["unsure"]:
        changes["state"] = "triage"
    store.change_decision(tx, event.subject, **changes)
    if row["unsure"]:
        return
    await assign(tx, routing, dict(row) | changes, former=row["handler"])


async def release(event: Event[CaseClosed], tx: Tx, _: Routing) -> None:
    """The handler has one case less, and somebody who waits may have a turn."""
    row = await known(tx, event)
    if event.body.cycle < row["cycle"] or row["state"] == "done":
        return
    if row["state"] == "assigned":
        store.give_load_back(tx, row["handler"], row["weight"])
    store.change_decision(tx, event.subject, state="done", line=None, waits_since=None)
