"""Builds followup."""

from pathlib import Path

from services.followup.api.routes import routes
from services.followup.store import FRAME, remember
from services.followup.subscriptions import SUBSCRIPTIONS
from services.followup.timers import TIMERS
from services.followup.usecases.record import Followup
from shared.service import Environment, Service
from shared.store.database import Database


def build(environment: Environment) -> Service[Followup]:
    """Followup over its own database."""
    settings = environment.settings
    database = Database(
        settings.database_url("followup"), frame=FRAME, service="followup", clock=environment.clock
    )
    context = Followup(environment.policy, settings.timezone)
    return Service(
        name="followup",
        title="The case of each complaint: its state, clocks, promises and callback.",
        database=database,
        context=context,
        router=routes(environment, database, context),
        migrations=Path(__file__).parent / "migrations",
        subscriptions=SUBSCRIPTIONS,
        timers=TIMERS,
        remember=remember,
        lanes=2,
    )
