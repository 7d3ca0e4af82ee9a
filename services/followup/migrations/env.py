"""Alembic's way in: the frame migrates on the connection it opened."""

from shared.store.migrate import run_environment

run_environment()
