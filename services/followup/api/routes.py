"""Followup's routes."""

from fastapi import APIRouter

from services.followup.api.auditing import audit_routes
from services.followup.api.commanding import command_route
from services.followup.api.customers import customer_routes
from services.followup.api.finding import finding_routes
from services.followup.api.incidents import incident_routes
from services.followup.api.promising import promise_routes
from services.followup.api.reading import reading_routes
from services.followup.api.remedies import remedy_routes
from services.followup.api.views import view_routes
from services.followup.api.whole import whole_routes
from services.followup.policy.lifecycle import COMMANDS
from services.followup.usecases.record import Followup
from shared.service import Environment
from shared.store.database import Database


def routes(environment: Environment, database: Database, context: Followup) -> APIRouter:
    """All of followup's routes."""
    router = APIRouter(prefix="/followup/v1")
    finding_routes(router, environment, database, context)
    view_routes(router, environment, database, context)
    reading_routes(router, environment, database, context)
    whole_routes(router, environment, database, context)
    promise_routes(router, environment, database)
    remedy_routes(router, environment, database, context)
    audit_routes(router, environment, database, context)
    incident_routes(router, environment, database, context)
    customer_routes(router, environment, database, context)
    for known in COMMANDS.values():
        command_route(router, environment, database, context, known)
    return router
