"""A system for all tests of programs that speak to one from outside."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import pytest

from tests.faults.system import System

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("clients")
    # Where not all services are in one process, the secrets must be given.
    secrets = {
        f"REDRESS_{name}": hashlib.sha256(name.encode()).hexdigest()
        for name in ("SECRET", "VAULT_KEY", "TOKEN_KEY")
    }
    system = System(folder, REDRESS_KEY_BURST="100", REDRESS_KEY_RATE="50", **secrets)
    with asyncio.Runner() as runner:
        assert runner.run(system.start(services=("desk", "intake")))
        yield system
        runner.run(system.stop())
