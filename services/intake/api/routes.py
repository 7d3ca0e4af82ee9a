"""All routes of intake."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from services.intake.api.attachments import attachment_routes
from services.intake.api.channels import channel_routes, mail_routes
from services.intake.api.codes import Codes
from services.intake.api.customers import Customers
from services.intake.api.door import Door
from services.intake.api.erasures import erasure_routes
from services.intake.api.gate import Gate
from services.intake.api.mailing import Mailing
from services.intake.api.posting import Posting
from services.intake.api.rates import Rates
from services.intake.api.reading import reading_routes
from services.intake.api.service_events import service_event_routes
from services.intake.api.vault import vault_routes
from services.intake.channels.table import TABLE
from services.intake.policy.promises import hours, promised
from services.intake.usecases.scrubbing import Scrubber
from shared.service import Answer, Environment
from shared.store.database import Database


def routes(
    environment: Environment,
    database: Database,
    door: Door,
    mailing: Mailing,
    gate: Gate,
    scrubber: Scrubber,
    codes: Codes,
) -> tuple[APIRouter, Mapping[tuple[str, str], Answer]]:
    """Intake's routes, and those of them that are led past the router."""
    router = APIRouter(prefix="/intake/v1")
    settings = environment.settings
    rates = Rates(environment.clock, per_second=settings.key_rate, burst=settings.key_burst)
    posting = Posting(door, gate, rates, database)
    posting.add_to(router)
    reading_routes(router, door, database)
    attachment_routes(router, door, gate, rates, database)
    vault_routes(router, door, database)
    channel_routes(router, mailing, posting, gate, rates, environment.guard)
    mail_routes(router, mailing, posting, door, database)
    erasure_routes(router, door, database, scrubber)
    Customers(door, database).add_to(router)
    service_event_routes(router, door, database)
    codes.add_to(router)

    @router.get("/channels")
    async def list_channels() -> dict[str, Any]:
        """Every way to complain, when people are there, and what is promised. Public."""
        policy = environment.policy
        pack = policy.pack(*policy.in_force(policy.root, environment.clock.now()))
        promises = promised(pack)
        return {
            "items": [
                {
                    "channel": one.code,
                    "title": {"zh": one.zh, "en": one.en},
                    "hours": hours(pack, one.calendar),
                    "accepts": list(one.accepts),
                    "promised": promises,
                }
                for one in TABLE.values()
            ],
            "next": None,
            "pack": pack.ref,
        }

    return router, posting.direct(router.prefix)
