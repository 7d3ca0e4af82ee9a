"""Builds the desk."""

from pathlib import Path

from services.desk import first_run
from services.desk.api import routes
from services.desk.store import FRAME
from shared.service import Environment, Service
from shared.store.database import Database


def build(environment: Environment) -> Service[None]:
    """The desk over its own database."""
    settings = environment.settings
    database = Database(
        settings.database_url("desk"), frame=FRAME, service="desk", clock=environment.clock
    )

    async def seed() -> None:
        await first_run.seed(database, settings)

    return Service(
        name="desk",
        title="Who may do what: units, accounts, roles, keys, packs in force.",
        database=database,
        context=None,
        router=routes(environment, database),
        migrations=Path(__file__).parent / "migrations",
        on_migrated=seed,
    )
