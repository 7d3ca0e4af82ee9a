"""These tests own a Docker engine for minutes: `make compose-test` runs them, in order, and nothing else does."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

import pytest

from dev.compose import SETTINGS, Stack
from dev.process import free_ports
from tests.compose.installation import Installation

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

collect_ignore_glob = [] if os.environ.get("REDRESS_TEST_COMPOSE") else ["test_*.py"]


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The compose file as it is, beside whatever else runs here: another name, port and folder of secrets."""
    folder, [port] = tmp_path_factory.mktemp("compose"), free_ports(1)
    settings = folder / "env"
    settings.write_text(SETTINGS.replace("8080", str(port)).replace("=local", "=test"))
    stack = Stack(
        secrets=folder / "secrets",
        backups=folder / "backups",
        settings=settings,
        project=f"redress-test-{secrets.token_hex(3)}",
    )
    stack.prepare()
    made = Installation(stack, f"http://127.0.0.1:{port}")
    try:
        stack.up()
        made.take_on_handlers(4)
        yield made
    except BaseException:
        print(made.logs())
        raise
    finally:
        stack.compose("--profile", "command", "down", "--volumes", "--remove-orphans", check=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the containers said with a test that failed."""
    report = yield
    made = item.funcargs.get("installation") if isinstance(item, pytest.Function) else None
    if report.when == "call" and report.failed and isinstance(made, Installation):
        report.sections.append(("containers", made.logs()))
    return report
