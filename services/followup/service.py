"""Builds followup."""

from pathlib import Path

from services.followup.api.routes import routes
from services.followup.store import FRAME, remember
from services.followup.subscriptions import SEARCH, SUBSCRIPTIONS
from services.followup.timers import TIMERS
from services.followup.usecases.audit import Sealing
from services.followup.usecases.cascading import Cascading
from services.followup.usecases.forwarding import Intake
from services.followup.usecases.indexing import Indexing
from services.followup.usecases.record import Followup
from shared.service import Environment, Service
from shared.store.database import Database


def build(environment: Environment) -> Service[Followup]:
    """Followup over its own database."""
    settings = environment.settings
    database = Database(
        settings.database_url("followup"), frame=FRAME, service="followup", clock=environment.clock
    )
    intake = Intake(settings.service_url("intake"), environment.guard)
    context = Followup(environment.policy, settings.timezone, intake)
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
        read_models=(SEARCH,),
        loops=[
            Sealing(database, environment.clock).sealing,
            Indexing(database).indexing,
            Cascading(database, context).cascading,
        ],
    )
