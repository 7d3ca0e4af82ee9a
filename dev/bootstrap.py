"""Make the virtual environment: `python3 dev/bootstrap.py [--dev]`.

Only the standard library is used, so this file runs before anything is installed. What it installs is named, with its
hashes, in `requirements/*.lock`. A second run with the same locks does nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
OLDEST = (3, 11)
ADDRESS = re.compile(r"\b\w+://[^\s'\")]+|(?<=host=)'[^']*'")


class SetupError(Exception):
    """The environment could not be made; the message says what to do."""


class CommandError(Exception):
    """A command of the installation failed; the message is the end of what it printed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make or refresh the environment. Returns 0, or 1 after saying what is missing."""
    parser = argparse.ArgumentParser(prog="bootstrap", description="Make the virtual environment.")
    parser.add_argument("--dev", action="store_true", help="with what the tests and checks need")
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv", help="where (./.venv)")
    options = parser.parse_args(arguments)
    try:
        check_python()
        with one_at_a_time(options.venv):
            refresh(options.venv, dev=options.dev)
    except SetupError as error:
        print(f"bootstrap: {error}", file=sys.stderr)
        return 1
    return 0


def check_python() -> None:
    """Refuse a Python that is too old or cannot make environments; names the Debian package."""
    have = sys.version_info[:2]
    if have < OLDEST:
        raise SetupError(
            f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed, this is {have[0]}.{have[1]} "
            f"({sys.executable}). Install a newer one (Debian 12 and later: apt-get install "
            "python3 python3-venv) and name it: make run PYTHON=python3.12"
        )
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            raise SetupError(
                f"this Python has no module {module!r}. On Debian and Ubuntu: "
                f"apt-get install python{have[0]}.{have[1]}-venv (or python3-venv)"
            )


@contextlib.contextmanager
def one_at_a_time(venv: Path) -> Iterator[None]:
    """Hold a lock beside `venv`, so that two commands started together do not both install."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    venv.parent.mkdir(parents=True, exist_ok=True)
    with (venv.parent / f"{venv.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def refresh(venv: Path, *, dev: bool) -> None:
    """Install what the locks name, unless the stamp says that it is there."""
    stamp = venv / "redress-stamp.json"
    done = read_stamp(stamp)
    names = ["run", "dev"] if dev or "dev" in done else ["run"]
    wanted = {"setup": fingerprint("setup"), **{name: fingerprint(name) for name in names}}
    if done == wanted and python_of(venv).exists():
        return
    started = time.monotonic()
    tell("setting up, this takes under a minute")
    if done.get("setup") != wanted["setup"] or not python_of(venv).exists():
        make_environment(venv)
        done = {}
    stamp.unlink(missing_ok=True)
    files = [LOCKS / f"{name}.lock" for name in names if done.get(name) != wanted[name]]
    if files:
        install(venv, files)
    install_project(venv)
    stamp.write_text(json.dumps(wanted), encoding="utf-8")
    tell(f"ready in {time.monotonic() - started:.0f} s")


def make_environment(venv: Path) -> None:
    if venv.exists():
        if not (venv / "pyvenv.cfg").exists():
            raise SetupError(f"{venv} exists and is no virtual environment: move it away")
        shutil.rmtree(venv)
    tell("making the virtual environment")
    try:
        run([sys.executable, "-m", "venv", str(venv)])
        run(pip(venv, "install", "--require-hashes", "--no-deps", "-r", str(LOCKS / "setup.lock")))
    except CommandError as error:
        shutil.rmtree(venv, ignore_errors=True)
        raise SetupError(
            f"the virtual environment could not be made; is the package index reachable?\n{error}"
        ) from error


def install(venv: Path, files: Sequence[Path]) -> None:
    """Install the locked packages with uv, and with pip where uv fails."""
    tell("installing " + " and ".join(f"requirements/{file.name}" for file in files))
    with_files = [part for file in files for part in ("-r", str(file))]
    try:
        run(uv(venv, "install", "--require-hashes", *with_files), environment=uv_settings())
    except CommandError:
        tell("uv could not install them: trying pip, which takes about a minute more")
        try:
            run(pip(venv, "install", "--require-hashes", "--no-deps", *with_files))
        except CommandError as error:
            raise SetupError(
                f"the packages could not be installed; is the package index reachable?\n{error}"
            ) from error


def install_project(venv: Path) -> None:
    """Put the project itself into the environment, editable, so that `redress` is a command."""
    arguments = ["install", "--no-build-isolation", "--no-deps", "--editable", str(ROOT)]
    try:
        run(uv(venv, *arguments), environment=uv_settings())
    except CommandError:
        try:
            run(pip(venv, *arguments))
        except CommandError as error:
            raise SetupError(f"the project itself could not be installed:\n{error}") from error


def fingerprint(name: str) -> str:
    """Hash what the lock `name` leads to: the file, this Python, this folder, the metadata."""
    content = hashlib.sha256()
    files = [LOCKS / f"{name}.lock"]
    if name == "run":
        files.append(ROOT / "pyproject.toml")
    for file in files:
        try:
            content.update(file.read_bytes())
        except FileNotFoundError:
            raise SetupError(
                f"{file.relative_to(ROOT)} is missing: is this a whole checkout?"
            ) from None
    content.update(f"{sys.version_info[:2]} {ROOT}".encode())
    return content.hexdigest()


def read_stamp(stamp: Path) -> dict[str, str]:
    try:
        found = json.loads(stamp.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in found.items()}


def run(command: Sequence[str], *, environment: dict[str, str] | None = None) -> None:
    """Run quietly. Raises CommandError with the last lines, in which no address is shown."""
    try:
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise CommandError(str(error)) from error
    if ended.returncode:
        said = [line for line in ended.stdout.splitlines() if "Retrying (Retry" not in line]
        raise CommandError(ADDRESS.sub("(address)", "\n".join(said[-15:])))


def uv_settings() -> dict[str, str]:
    """Pass to uv what this machine tells pip about where packages come from."""
    environment = dict(os.environ)
    for theirs, ours in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_CERT", "SSL_CERT_FILE")):
        if theirs in environment:
            environment.setdefault(ours, environment[theirs])
    return environment


def bin_of(venv: Path) -> Path:
    return venv / ("Scripts" if os.name == "nt" else "bin")


def python_of(venv: Path) -> Path:
    return bin_of(venv) / ("python.exe" if os.name == "nt" else "python")


def pip(venv: Path, *arguments: str) -> list[str]:
    return [str(python_of(venv)), "-m", "pip", "-q", "--disable-pip-version-check", *arguments]


def uv(venv: Path, *arguments: str) -> list[str]:
    return [str(bin_of(venv) / "uv"), "-q", "pip", *arguments, "--python", str(python_of(venv))]


def tell(message: str) -> None:
    print(f"bootstrap: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
