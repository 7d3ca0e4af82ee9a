"""All routes of notify."""

from fastapi import APIRouter

from services.notify.api.door import Door
from services.notify.api.feed import add_feed
from services.notify.api.messages import add_messages
from services.notify.api.outgoing import add_outgoing
from services.notify.api.people import add_people
from services.notify.api.previews import add_previews
from services.notify.api.webhooks import add_webhooks
from services.notify.channels.guarded import Poster


def routes(door: Door, poster: Poster) -> APIRouter:
    """Notify's routes."""
    router = APIRouter(prefix="/notify/v1")
    for add in (add_messages, add_feed, add_outgoing, add_people, add_previews):
        add(router, door)
    add_webhooks(router, door, poster, door.environment.secrets.signing)
    return router
