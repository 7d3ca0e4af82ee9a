"""Builds routing."""

from pathlib import Path

from services.routing.api import routes
from services.routing.store import FRAME, remember
from services.routing.subscriptions import SUBSCRIPTIONS
from services.routing.timers import TIMERS
from services.routing.usecases import Routing
from services.routing.usecases.hear import Signs
from services.routing.usecases.learn import Learner
from services.routing.usecases.models import shipped
from shared.service import Environment, Service
from shared.store.database import Database


def build(environment: Environment) -> Service[Routing]:
    """Routing over its own database."""
    url = environment.settings.database_url("routing")
    database = Database(url, frame=FRAME, service="routing", clock=environment.clock)
    environment.policy.derive_ahead(shipped)
    routing = Routing(environment.policy)
    return Service(
        name="routing",
        title="How each complaint was understood, and who has it.",
        database=database,
        context=routing,
        router=routes(environment, database, routing),
        migrations=Path(__file__).parent / "migrations",
        subscriptions=SUBSCRIPTIONS,
        timers=TIMERS,
        loops=(Learner(database, routing).learning, Signs(database).forgetting),
        remember=remember,
        in_order=True,
    )
