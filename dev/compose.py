"""Start docker-compose.yml: `python3 -m dev.compose up`, or only make what it needs with `prepare`.

Only the standard library is used, so a host needs Python and Docker, nothing else. Settings and secrets that exist are
never changed; the first accounts and keys are those of the system that runs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("desk", "intake", "routing", "followup", "notify")
RANDOM = (
    "secret",
    "vault_key",
    "token_key",
    "database_owner",
    *(f"database_{service}" for service in SERVICES),
)
EMPTY = ("smtp", "imap", "operator_key")
"""Files that must be there; an operator, or the first start, fills them."""
WAIT_SECONDS = 300
CONTAINER_USER = 10001
SETTINGS = """\
# Settings of docker-compose.yml; docs/deploy.md explains them.
REDRESS_URL=http://127.0.0.1:8080
REDRESS_LISTEN=127.0.0.1:8080
REDRESS_TIMEZONE=Asia/Shanghai
REDRESS_LOG_LEVEL=info
REDRESS_VERSION=local
"""


class ComposeError(Exception):
    """Docker or compose refused; the message says what is missing."""


@dataclass(frozen=True)
class Stack:
    """One installation: where its secrets, backups and settings are, and its name for Docker."""

    secrets: Path = ROOT / "deploy" / "secrets"
    backups: Path = ROOT / "backups"
    settings: Path = ROOT / ".env"
    project: str = "redress"
    variables: dict[str, str] = field(default_factory=dict)

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `docker compose`; what it says on standard output is captured. Raises ComposeError."""
        command = ["docker", "compose", "-p", self.project, "--env-file", str(self.settings)]
        environment = os.environ | {
            "REDRESS_SECRETS": str(self.secrets),
            "REDRESS_BACKUPS": str(self.backups),
            **self.variables,
        }
        ended = subprocess.run(
            [*command, *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if check and ended.returncode:
            raise ComposeError(f"docker compose {arguments[0]} ended with {ended.returncode}")
        return ended

    def prepare(self) -> None:
        """Make the settings, the secrets and the folder for backups where they are missing."""
        self.secrets.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.secrets.chmod(0o700)
        for name in RANDOM:
            _write_once(self.secrets / name, secrets.token_hex(32) + "\n", mode=0o444)
        for name in EMPTY:
            _write_once(self.secrets / name, "", mode=0o644)
        _write_once(self.settings, SETTINGS, mode=0o644)
        if not self.backups.exists():
            self.backups.mkdir(parents=True)
            _give_to_containers(self.backups)

    def up(self, *, build: bool = True) -> None:
        """Start everything and wait until it is ready. Raises ComposeError."""
        images = "--build" if build else "--no-build"
        self.compose("up", "--detach", images, "--wait", "--wait-timeout", str(WAIT_SECONDS), "gateway")  # fmt: skip
        self.take_first_run()

    def take_first_run(self) -> None:
        """Put what the first migration made beside the secrets. A restored system made nothing: its keys stay."""
        kept, key = self.secrets / "first-run.json", self.secrets / "operator_key"
        draft = self.secrets / "first-run.new"
        self.compose("cp", "migrate:/data/first-run.json", str(draft), check=False)
        if not draft.exists():
            return
        draft.chmod(0o600)
        if key.read_text(encoding="utf-8").strip() in {"", _operator_key(kept)}:
            key.write_text(_operator_key(draft) + "\n", encoding="utf-8")
        draft.replace(kept)


def _operator_key(first_run: Path) -> str:
    """The key in the file; nothing where there is none."""
    if not first_run.exists():
        return ""
    return str(json.loads(first_run.read_text(encoding="utf-8"))["operator_key"])


def _write_once(path: Path, text: str, *, mode: int) -> None:
    """Create the file with its mode, or leave it as it is.

    Compose shows a secret in a container with the mode it has here, so services, which are not root, must be able
    to read it: it is the folder that keeps others out.
    """
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        path.chmod(mode)


def _give_to_containers(folder: Path) -> None:
    try:
        os.chown(folder, CONTAINER_USER, CONTAINER_USER)
        folder.chmod(0o700)
    except PermissionError:
        folder.chmod(0o1777)


def _must_have_docker() -> None:
    if shutil.which("docker") is None:
        raise ComposeError("there is no `docker`: install Docker Engine 25 or newer with compose")
    if not _works("docker", "compose", "version"):
        raise ComposeError("`docker compose` is missing: install Docker's compose plugin")
    if not _works("docker", "info"):
        raise ComposeError("Docker does not answer: start it, or let this user use it")


def _works(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def main(arguments: list[str] | None = None) -> int:
    """Return 0, or 1 after saying what went wrong."""
    parser = argparse.ArgumentParser(prog="python3 -m dev.compose", description=__doc__)
    parser.add_argument("verb", choices=["prepare", "up"])
    parser.add_argument("--no-build", action="store_true", help="use the images that are here")
    options = parser.parse_args(arguments)
    stack = Stack()
    try:
        stack.prepare()
        if options.verb == "up":
            _must_have_docker()
            stack.up(build=not options.no_build)
            _tell(stack)
    except ComposeError as error:
        print(f"compose: {error}", file=sys.stderr)
        return 1
    return 0


def _tell(stack: Stack) -> None:
    keys = stack.secrets.relative_to(ROOT)
    print(f"""Redress is ready.
  keys and accounts  {keys}/first-run.json
  all well?          docker compose run --rm redress check
  try now            docker compose run --rm redress send "I was charged twice, please refund"
  stop               docker compose down        (data stays; with -v it is deleted)""")


if __name__ == "__main__":
    sys.exit(main())
