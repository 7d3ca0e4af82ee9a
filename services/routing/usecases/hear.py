"""What comes in, decided and kept: a complaint with what it takes to replay it and find its like, and its end."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.routing import usecases
from services.routing.policy.candidates import find_candidates, signs_of
from services.routing.store import heard
from services.routing.usecases import Routing
from services.routing.usecases.reading import ABOUT
from shared.contracts.envelope import Event
from shared.contracts.followup import CaseClosed
from shared.contracts.intake import ComplaintReceived
from shared.errors import Transient
from shared.store.database import Database
from shared.store.transaction import Tx
from shared.telemetry import logger

FORGET_EVERY: Final = timedelta(hours=1)

log = logger("signs")


async def hear(event: Event[ComplaintReceived], tx: Tx, routing: Routing) -> None:
    """Route a complaint, and keep what was heard of it."""
    await usecases.route(event, tx, routing)
    said = event.body
    row = {
        "complaint": event.subject,
        "channel": said.channel,
        "subject": said.subject,
        "fields": {name: value for name in ABOUT if (value := getattr(said, name))},
        "received_at": said.received_at,
    }
    fields = {name: getattr(said, name) for name in ("area", "shop", "batch_no", "vin_prefix")}
    signs = signs_of(unit=event.unit, fields=fields, tokens=said.reference_tokens, text=said.text)
    heard.keep(tx, row, number=said.number, signs=signs, find=find_candidates)


async def hear_end(event: Event[CaseClosed], tx: Tx, routing: Routing) -> None:
    """Let go of a case, and keep when what was promised was done."""
    await usecases.release(event, tx, routing)
    met = {one.name: one.met_at.isoformat() for one in event.body.clocks if one.met_at}
    heard.close(tx, event.subject, at=event.body.closed_at, met=met)


@dataclass(frozen=True, slots=True)
class Signs:
    """Routing's loop that forgets what complaints of older weeks shared."""

    database: Database

    async def forgetting(self) -> None:
        """Forget for ever."""
        while True:
            try:
                await self.database.run(heard.forget_signs)
            except Transient as error:
                log.warning("older signs stay a while", error=str(error))
            await asyncio.sleep(FORGET_EVERY.total_seconds())
