"""Finding what is due: at once, without reading what is done, and beside a provider that hangs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine
from sqlalchemy.dialects import sqlite

from services.notify.store import METADATA
from services.notify.store.messages import _any_due, _claimed

NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.mark.parametrize("build", [_any_due, _claimed])
def test_messages_that_are_done_are_not_looked_at_for_those_that_are_due(build: object) -> None:
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    compiled = build("sqlite").compile(dialect=sqlite.dialect())  # type: ignore[operator]
    more = {"now": NOW, "until": NOW + timedelta(seconds=30), "limit": 20, "milliseconds": 30_000}
    given = {name: more.get(name, value) for name, value in compiled.params.items()}
    values = [str(given.get(name, 0)) for name in compiled.positiontup]
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", tuple(values)).all()

    assert any("ix_messages_due" in one[3] for one in plan), plan
    assert not any(one[3] == "SCAN messages" for one in plan), plan
