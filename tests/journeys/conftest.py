"""Places for systems: on the embedded engines, and on Kafka and PostgreSQL."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from dev.kafka import Broker, new_broker
from tests import engines
from tests.journeys.places import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def embedded_place(tmp_path: Path) -> Callable[[str], Place]:
    def make(name: str) -> Place:
        (tmp_path / name).mkdir()
        return Place(tmp_path / name)

    return make


@pytest.fixture
def grown_place(postgres_server: str, tmp_path: Path) -> Iterator[Callable[[str], Place]]:
    """Places on Kafka and PostgreSQL, each with a broker and databases of its own."""
    brokers: list[Broker] = []
    names: list[str] = []

    def make(name: str) -> Place:
        (tmp_path / name).mkdir()
        broker = new_broker(tmp_path / f"{name}-kafka")
        broker.start()
        brokers.append(broker)
        prefix = f"b_{secrets.token_hex(6)}"
        names.extend(f"{prefix}_{service}" for service in engines.SERVICES)
        return Place(
            tmp_path / name,
            {
                "REDRESS_BUS": f"kafka://{broker.bootstrap}",
                "REDRESS_DATABASE": f"{postgres_server}/{prefix}_{{service}}",
            },
        )

    yield make
    for broker in brokers:
        broker.remove()
    engines.drop_databases(postgres_server, names)
