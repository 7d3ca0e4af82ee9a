"""What every test may ask for: the real engines, and their fresh databases."""

from __future__ import annotations

import gc
import os
import secrets
import shutil
from typing import TYPE_CHECKING

import pytest
import structlog
from hypothesis import HealthCheck, settings

from dev.kafka import Broker, new_broker
from dev.postgres import Postgres, new_folder
from redress.host import BUILDERS
from tests import engines
from tests.world import World, open_world, seed_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


# Which marker a fixture brings with it, so that no test has to say it twice.
NEEDS = {
    "kafka_broker": "kafka",
    "own_kafka": "kafka",
    "postgres_server": "postgres",
    "postgres_database": "postgres",
    "postgres_databases": "postgres",
    "own_postgres": "postgres",
}
ENGINES = pytest.StashKey[engines.Engines]()


def pytest_configure(config: pytest.Config) -> None:
    """Open the session's engines: a worker joins those of the process that started it."""
    settings.register_profile(
        "redress",
        # How long an example takes says more about the machine than about the code.
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        print_blob=True,
        # CI says the same of the same code; everywhere else each run looks at other examples.
        derandomize=os.environ.get("CI", "").lower() == "true",
    )
    settings.load_profile("redress")
    # A test that builds a service makes many objects: Python's own 700 would look for cycles at every turn.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 5)
    is_worker = hasattr(config, "workerinput")
    config.stash[ENGINES] = engines.Engines.join() if is_worker else engines.Engines.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the engines after the last worker has gone."""
    if not hasattr(config, "workerinput") and ENGINES in config.stash:
        config.stash[ENGINES].end()


@pytest.fixture(autouse=True)
def _logs_of_its_own() -> Iterator[None]:
    """A command under test sends logs to a stream that ends with the test: the next one begins as a process does."""
    yield
    structlog.reset_defaults()


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests whose fixtures need an engine."""
    for item in items:
        for marker in {NEEDS[name] for name in getattr(item, "fixturenames", ()) if name in NEEDS}:
            item.add_marker(marker)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose engine is not to be had; in CI it must be there, so the test fails."""
    for marker, why_none in (
        ("kafka", engines.why_no_kafka),
        ("postgres", engines.why_no_postgres),
    ):
        reason = why_none() if item.get_closest_marker(marker) else None
        if reason is None:
            continue
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(
                f"{reason} (with CI=true a test may not be skipped for that)", pytrace=False
            )
        pytest.skip(reason)


@pytest.fixture(scope="session")
def session_engines(request: pytest.FixtureRequest) -> engines.Engines:
    return request.config.stash[ENGINES]


@pytest.fixture(scope="session")
def kafka_broker(session_engines: engines.Engines) -> str:
    """Return host:port of a broker shared by the whole session: use names of your own in it."""
    return session_engines.kafka()


@pytest.fixture(scope="session")
def postgres_server(session_engines: engines.Engines) -> str:
    """Return the URL, without a database, of a server shared by the whole session."""
    return session_engines.postgres()


@pytest.fixture
def postgres_database(postgres_server: str) -> Iterator[str]:
    """Return the URL of a fresh, empty database."""
    name = f"t_{secrets.token_hex(6)}"
    engines.create_databases(postgres_server, [name])
    yield f"{postgres_server}/{name}"
    engines.drop_databases(postgres_server, [name])


@pytest.fixture
def postgres_databases(postgres_server: str) -> Iterator[str]:
    """Return a setting for REDRESS_DATABASE: a fresh database for each service at `{service}`."""
    prefix = f"t_{secrets.token_hex(6)}"
    names = [f"{prefix}_{service}" for service in engines.SERVICES]
    engines.create_databases(postgres_server, names)
    yield f"{postgres_server}/{prefix}_{{service}}"
    engines.drop_databases(postgres_server, names)


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Broker]:
    """Return a running broker of this test's own, to stop, kill and start again."""
    broker = new_broker(tmp_path / "kafka")
    broker.start()
    yield broker
    broker.remove()


@pytest.fixture
def own_postgres() -> Iterator[Postgres]:
    """Return a running server of this test's own, to stop, kill and start again."""
    server = Postgres(new_folder())
    server.start()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def seeded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the data folder of a system after its first start, to be copied."""
    folder = tmp_path_factory.mktemp("seeded")
    engines.finish(seed_world(folder))
    return folder


@pytest.fixture(scope="session")
def seeded_postgres(
    postgres_server: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, str, engines.Contents]]:
    """Return the same on PostgreSQL: the folder, the databases' address, and what they held then."""
    folder, prefix = tmp_path_factory.mktemp("seeded-postgres"), f"s_{secrets.token_hex(6)}"
    names = [f"{prefix}_{service}" for service in BUILDERS]
    url = f"{postgres_server}/{prefix}_{{service}}"
    engines.create_databases(postgres_server, names)
    engines.finish(seed_world(folder, database=url))
    yield folder, url, engines.contents_of(postgres_server, names)
    engines.drop_databases(postgres_server, names)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """All services, on either database, over the embedded log; they move when the test says so."""
    if request.param == "sqlite":
        shutil.copytree(request.getfixturevalue("seeded_folder"), tmp_path, dirs_exist_ok=True)
        async with open_world(tmp_path) as opened:
            yield opened
        return
    folder, url, contents = request.getfixturevalue("seeded_postgres")
    engines.put_back(request.getfixturevalue("postgres_server"), contents)
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    async with open_world(tmp_path, database=url) as opened:
        yield opened
