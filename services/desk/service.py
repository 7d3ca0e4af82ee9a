"""Builds the desk."""

from pathlib import Path

from services.desk import first_run
from services.desk.api import routes
from services.desk.pages import ROOTS, News, Peers, open_provider, page_routes
from services.desk.store import FRAME
from services.desk.usecases.sessions import Passwords
from shared.service import Environment, Service
from shared.store.database import Database


def build(environment: Environment) -> Service[Peers]:
    """The desk over its own database; its screens ask the other services."""
    settings = environment.settings
    database = Database(
        settings.database_url("desk"), frame=FRAME, service="desk", clock=environment.clock
    )
    provider = open_provider(settings, environment.clock)
    peers, passwords = Peers(settings, environment.guard, provider), Passwords()
    news = News(peers)

    async def seed() -> None:
        await first_run.seed(database, settings)

    return Service(
        name="desk",
        title="Who may do what: units, accounts, roles, keys, packs in force; and the screens.",
        database=database,
        context=peers,
        router=routes(environment, database, passwords),
        pages=page_routes(environment, database, peers, passwords, news),
        migrations=Path(__file__).parent / "migrations",
        roots=ROOTS,
        loops=(news.run,),
        on_migrated=seed,
        on_stopped=peers.aclose,
    )
