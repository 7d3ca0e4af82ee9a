"""All routes of intake."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter

from services.intake.api.attachments import attachment_routes
from services.intake.api.door import Door
from services.intake.api.gate import Gate
from services.intake.api.posting import Posting
from services.intake.api.reading import reading_routes
from services.intake.api.vault import vault_routes
from services.intake.channels.table import TABLE
from services.intake.policy.promises import hours, promised
from shared.service import Answer, Environment
from shared.store.database import Database


def routes(
    environment: Environment, database: Database, door: Door
) -> tuple[APIRouter, Mapping[tuple[str, str], Answer]]:
    """Intake's routes, and those of them that are led past the router."""
    router = APIRouter(prefix="/intake/v1")
    settings = environment.settings
    gate = Gate(database, cap=settings.outbox_cap, folder=settings.data)
    posting = Posting(door, gate, database)
    posting.add_to(router)
    reading_routes(router, door, database)
    attachment_routes(router, door, gate, database)
    vault_routes(router, door, database)

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
