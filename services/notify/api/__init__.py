"""Notify over HTTP: what was sent, the feed of all events, what others deliver, webhooks, wishes, alerts."""

from services.notify.api.routes import routes

__all__ = ["routes"]
