"""docker-compose.yml as it is: the path through the gateway, what containers may do, restarts, replicas, restore.

The tests run in this order on one installation, as days of its life.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.compose.installation import (
    RUNNING,
    SERVICES,
    Installation,
    Load,
    complaint,
    docker,
    until,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTAINED = tuple(name for name in RUNNING if name != "kafka")
"""Kafka writes its configuration beside itself, so its file system is writable."""
OTHERS = {name: [other for other in SERVICES if other != name] for name in SERVICES}
CONNECT = """
import asyncio, sys, asyncpg
async def main():
    role, database, password_of = sys.argv[1:]
    password = open(f"/run/secrets/database_{password_of}").read().strip()
    try:
        await asyncpg.connect(user=role, database=database, password=password, host="postgres", timeout=5)
    except Exception as error:
        print(type(error).__name__)
    else:
        print("connected")
asyncio.run(main())
"""
FIGURE = """
import sys, urllib.request
text = urllib.request.urlopen(f"http://127.0.0.1:8000/{sys.argv[1]}/metrics").read().decode()
print(sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(sys.argv[2])))
"""


@pytest.mark.req("R-001")
def test_a_complaint_sent_through_the_gateway_gets_a_case_an_owner_and_a_message(
    installation: Installation,
) -> None:
    with installation.client("adapter_key") as client:
        answer = client.post("/intake/v1/complaints", json=complaint(0))

    assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    number = answer.json()["number"]
    assert answer.json()["status_url"].startswith(f"{installation.url}/followup/v1/public/cases/")
    installation.must_have_served({number}, within=30)
    with installation.client() as client:
        case = client.get(f"/followup/v1/cases/{number}").raise_for_status().json()
    assert (case["number"], bool(case["owner"]["handler"])) == (number, True)


def test_the_command_answers_from_a_container_with_the_key_of_the_first_run(
    installation: Installation,
) -> None:
    checked = installation.command("check", "--json")
    sent = installation.command("send", "--json", "I was charged twice, please refund")

    services = [json.loads(line) for line in checked.stdout.splitlines()]
    assert {one["service"]: one["is_well"] for one in services} == dict.fromkeys(SERVICES, True)
    assert checked.returncode == 0
    assert json.loads(sent.stdout.splitlines()[0])["number"]


def test_an_operator_makes_a_unit_and_a_key_that_an_adapter_can_use(
    installation: Installation,
) -> None:
    unit = installation.command(
        "unit", "create", "hangzhou", "--title-zh", "杭州", "--title-en", "Hangzhou"
    )
    key = installation.command(
        "key", "create", "--json", "--label", "hotline", "--scope", "intake:write",
        "--unit", "hangzhou", "--channel", "phone",
    )  # fmt: skip

    assert (unit.returncode, key.returncode) == (0, 0)
    made = json.loads(key.stdout.splitlines()[0])["key"]
    headers = {"Authorization": f"Bearer {made}"}
    url = f"{installation.url}/intake/v1/complaints"
    until(
        lambda: httpx.post(url, json=complaint(2), headers=headers, trust_env=False).is_success,
        within=10,
        what="the new key is known to intake",
    )


def test_a_stream_passes_the_gateway_as_it_is_said(installation: Installation) -> None:
    accept = {"Accept": "text/event-stream"}
    with installation.client() as client:
        after = {"after": "now"}
        with client.stream("GET", "/notify/v1/events", params=after, headers=accept) as stream:
            lines = stream.iter_lines()
            with installation.client("adapter_key") as adapter:
                sent = adapter.post("/intake/v1/complaints", json=complaint(1)).json()
            started = time.monotonic()
            said = next(
                event for event in _said(lines) if event["data"].get("number") == sent["number"]
            )

    assert said["specversion"] == "1.0"
    assert time.monotonic() - started < 5


def _said(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line.startswith("data:"):
            yield json.loads(line.removeprefix("data:"))


@pytest.mark.parametrize(
    "path",
    ["/intake/metrics", "/desk/metrics", "/notify/openapi.json", "/intake//metrics", "/intake/%6detrics",
     "/intake%2fmetrics", "/x/../intake/metrics", "/intake/./metrics"],
)  # fmt: skip
def test_what_is_for_operators_only_does_not_pass_the_gateway(
    installation: Installation, path: str
) -> None:
    with installation.client() as client:
        answer = client.get(path)

    assert answer.status_code == httpx.codes.NOT_FOUND
    assert answer.headers["Content-Type"].startswith("application/problem+json")


def test_what_is_too_large_is_refused_by_the_gateway_as_a_problem(
    installation: Installation,
) -> None:
    with installation.client("adapter_key") as client:
        answer = client.post(
            "/intake/v1/complaints",
            json={"text": "x" * 3_000_000},
            headers={"Accept-Language": "zh-CN"},
        )

    assert answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE
    assert answer.json()["title"] == "内容过大"


@pytest.mark.parametrize("service", RUNNING)
def test_a_container_has_no_root_no_rights_and_limits(
    installation: Installation, service: str
) -> None:
    status = installation.inside(service, "cat", "/proc/self/status").stdout
    fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    host = installation.inspect(service)["HostConfig"]

    assert "0" not in fields["Uid"].split()
    assert {fields[name] for name in ("CapEff", "CapPrm", "CapBnd", "CapInh")} == {"0" * 16}
    assert fields["NoNewPrivs"] == "1"
    assert host["PidsLimit"] > 0
    assert host["Memory"] > 0
    assert host["NanoCpus"] > 0
    assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    assert (host["Privileged"], host["Init"]) == (False, True)


@pytest.mark.parametrize("service", CONTAINED)
def test_a_container_cannot_write_where_its_program_is(
    installation: Installation, service: str
) -> None:
    places = ["/written", "/usr/bin/written", "/etc/written", "/app/written"]
    written = [installation.inside(service, "touch", place) for place in places]

    assert all(one.returncode for one in written)
    assert "Read-only file system" in written[0].stderr
    assert installation.inside(service, "touch", "/tmp/written").returncode == 0  # noqa: S108 - the container's own


def test_no_secret_is_in_an_environment_or_an_argument(installation: Installation) -> None:
    values = {
        file.read_text().strip()
        for file in installation.stack.secrets.iterdir()
        if file.suffix != ".json"
    } - {""}
    shown = "".join(json.dumps(installation.inspect(service)["Config"]) for service in RUNNING)

    assert len(values) > len(SERVICES)
    assert [value for value in values if value in shown] == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_opens_its_own_database_and_no_other(
    installation: Installation, service: str
) -> None:
    def connect(role: str, database: str) -> str:
        return installation.inside(
            service, "python", "-c", CONNECT, role, database, service
        ).stdout.strip()

    own = f"redress_{service}"
    answers = {connect(own, f"redress_{other}") for other in OTHERS[service]}
    answers |= {connect(f"redress_{other}", f"redress_{other}") for other in OTHERS[service]}
    answers |= {connect(own, "postgres"), connect("postgres", "postgres")}

    assert connect(own, own) == "connected"
    # Refused by pg_hba.conf, and with the wrong password.
    assert answers == {"InvalidAuthorizationSpecificationError", "InvalidPasswordError"}


def test_a_service_is_given_no_secret_of_another_database(installation: Installation) -> None:
    found = {
        name: installation.inside(name, "ls", "/run/secrets").stdout.split() for name in SERVICES
    }

    assert {
        name: [one for one in secrets if one.startswith("database_")]
        for name, secrets in found.items()
    } == {name: [f"database_{name}"] for name in SERVICES}
    assert [name for name in SERVICES if "smtp" in found[name]] == ["notify"]


def test_only_the_gateway_listens_outside_and_only_on_this_machine(
    installation: Installation,
) -> None:
    published = {
        service: [
            address["HostIp"]
            for addresses in installation.inspect(service)["NetworkSettings"]["Ports"].values()
            for address in addresses or []
        ]
        for service in RUNNING
    }

    assert published == {name: ["127.0.0.1"] if name == "gateway" else [] for name in RUNNING}


def test_a_database_s_network_has_its_service_and_the_server_and_no_way_out(
    installation: Installation,
) -> None:
    project = installation.stack.project
    for service in SERVICES:
        [network] = json.loads(docker("network", "inspect", f"{project}_db_{service}").stdout)
        names = {one["Name"] for one in network["Containers"].values()}

        assert network["Internal"]
        assert names == {f"{project}-{service}-1", f"{project}-postgres-1"}
    ways_out = {
        service: [
            name.removeprefix(f"{project}_")
            for name in installation.inspect(service)["NetworkSettings"]["Networks"]
            if not json.loads(docker("network", "inspect", name).stdout)[0]["Internal"]
        ]
        for service in RUNNING
    }
    assert {name: ways for name, ways in ways_out.items() if ways} == {
        "gateway": ["front"],
        "notify": ["egress"],
    }


def test_every_container_may_restart_under_load_and_nothing_is_lost(
    installation: Installation, record_property: Any
) -> None:
    with Load(installation, name="restarts") as load:
        for service in RUNNING:
            installation.stack.compose("restart", service)
            _until_ready(installation)
        for service in SERVICES:
            [container] = installation.containers(service)
            docker("kill", container)
            docker("start", container)
            _until_ready(installation)

    record_property("complaints", len(load.numbers))
    assert load.surprises == []
    assert len(load.numbers) == len(load.taken) > 50
    installation.must_have_served(load.numbers)
    assert _broken_promises(installation) == []


def test_followup_scales_to_two_that_share_the_work_and_back(installation: Installation) -> None:
    with Load(installation, name="scale") as load:
        installation.stack.compose("up", "--detach", "--no-recreate", "--wait", "--scale", "followup=2", "followup")  # fmt: skip
        both = installation.containers("followup")
        until(lambda: all(_figure(one, "followup", "redress_consumed_total") for one in both),
              within=60, what="both replicas take events")  # fmt: skip
        until(lambda: all(_asked(installation, one) for one in both),
              within=30, what="the gateway asks both replicas")  # fmt: skip
        installation.stack.compose("up", "--detach", "--no-recreate", "--wait", "--scale", "followup=1", "followup")  # fmt: skip

    assert len(both) == 2
    assert len(installation.containers("followup")) == 1
    assert load.surprises == []
    installation.must_have_served(load.numbers)


def test_what_was_backed_up_is_there_again_after_everything_was_destroyed(
    installation: Installation,
) -> None:
    made = _post_once(installation, "kept")
    installation.must_have_served({made["number"]})
    before = installation.events()
    backed_up = installation.command("backup", "/backup/all", "--json")
    assert backed_up.returncode == 0, backed_up.stdout

    installation.stack.compose("--profile", "command", "down", "--volumes")
    installation.stack.compose("up", "--detach", "--wait", "kafka", "postgres")
    restored = installation.command("restore", "/backup/all", "--json")
    assert restored.returncode == 0, restored.stdout
    installation.stack.up()

    assert installation.events()[: len(before)] == before
    again = _post_once(installation, "kept")
    new = _post_once(installation, "new")
    assert (again["number"], again["id"]) == (made["number"], made["id"])
    installation.must_have_served({made["number"], new["number"]})
    assert _broken_promises(installation) == []


def _post_once(installation: Installation, key: str) -> dict[str, Any]:
    with installation.client("adapter_key") as client:
        answer = client.post(
            "/intake/v1/complaints", json=complaint(3), headers={"Idempotency-Key": key}
        )
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def _broken_promises(installation: Installation) -> list[str]:
    """What `redress verify` finds, once nothing is on its way any more."""
    said: list[str] = []

    def is_whole() -> bool:
        ended = installation.command("verify", "--json")
        said[:] = ended.stdout.splitlines()[:-1]
        return ended.returncode == 0

    with contextlib.suppress(AssertionError):
        until(is_whole, within=60, what="at rest")
    return said


def test_the_gateway_speaks_tls_with_a_certificate_from_a_file(installation: Installation) -> None:
    folder = installation.stack.secrets
    _make_certificate(folder / "tls_certificate", folder / "tls_key")
    files = {"COMPOSE_FILE": "docker-compose.yml:deploy/compose.tls.yml"}
    secure = replace(installation.stack, variables=files)
    secure.up(build=False)

    trusted = ssl.create_default_context(cafile=folder / "tls_certificate")
    url = installation.url.replace("http://", "https://")
    answer = httpx.get(f"{url}/readyz", verify=trusted, trust_env=False)

    assert (answer.status_code, answer.json()["status"]) == (httpx.codes.OK, "ready")


def _make_certificate(certificate: Path, key: Path) -> None:
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, *made],  # noqa: S607
        capture_output=True,
        check=True,
    )
    key.chmod(0o444)


def _figure(container: str, service: str, name: str) -> float:
    said = docker("exec", container, "python", "-c", FIGURE, service, name, check=False).stdout
    return float(said or 0)


def _asked(installation: Installation, container: str) -> bool:
    with installation.client() as client:
        client.get("/followup/v1/cases/0000-0000-000")
    return (
        _figure(
            container,
            "followup",
            'redress_http_requests_total{method="GET",service="followup",status="4',
        )
        > 0
    )


def _until_ready(installation: Installation) -> None:
    until(installation.is_ready, within=90, what="all services are ready again")
