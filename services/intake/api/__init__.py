"""Intake over HTTP: HTTP in, one use case, HTTP out."""

from services.intake.api.routes import routes

__all__ = ["routes"]
