"""Alerts ask for figures that exist, and each has a page that says what to do."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from redress.cli import COMMANDS
from shared.telemetry import Metrics

ROOT = Path(__file__).resolve().parent.parent.parent
RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
OPERATE = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
ALERTS: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
SAMPLED = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def runbook(alert: str) -> str:
    """The part of the page under the alert's heading."""
    found = re.search(rf"^### {alert}\n(.*?)(?=^##|\Z)", OPERATE, re.MULTILINE | re.DOTALL)
    return found.group(1) if found else ""


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_asks_for_figures_and_labels_that_exist(alert: dict[str, Any]) -> None:
    families = list(Metrics().registry.collect())
    known = {family.name + end for family in families for end in SAMPLED[family.type]}

    asked = set(re.findall(r"\bredress_\w+", alert["expr"]))

    assert asked - known == set()
    assert asked or 'up{job="redress"}' in alert["expr"]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_has_a_runbook_that_names_what_mends_it(alert: dict[str, Any]) -> None:
    text = runbook(alert["alert"])

    assert alert["annotations"]["runbook"] == f"docs/operate.md#{alert['alert'].lower()}"
    assert alert["labels"]["severity"] in {"critical", "warning"}
    for part in ("**Symptom.**", "**Means.**", "**Do.**"):
        assert part in text, part
    assert "`" in text.partition("**Do.**")[2], "no command"


def test_every_runbook_is_of_an_alert() -> None:
    headings = set(re.findall(r"^### (Redress\w+)$", OPERATE, re.MULTILINE))

    assert headings == {alert["alert"] for alert in ALERTS}


@pytest.mark.parametrize("page", ["operate", "deploy"])
def test_the_commands_that_operators_are_told_exist(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    told = set(re.findall(r"(?:^|`|--rm )redress ([a-z]+)", text, re.MULTILINE))

    assert told - {entry.name for entry in COMMANDS} == set()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not on this machine")
@pytest.mark.parametrize("file", ["rules", "config"])
def test_promtool_takes_the_files(file: str) -> None:
    name = "rules.yml" if file == "rules" else "prometheus.yml"
    ended = subprocess.run(
        ["promtool", "check", file, str(RULES.with_name(name))],  # noqa: S607 - whichever is there
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
