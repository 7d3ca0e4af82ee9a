"""A real mail server for tests: Debian's Postfix, in a folder of its own, on a port of its own, with one mailbox."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from dev.process import free_ports

MAILBOX: Final = "wang@example.com"
READY_SECONDS: Final = 30.0
_MAIN: Final = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file_prefixes = {folder}
maillog_file = {folder}/log
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.com
mydestination =
alias_maps =
alias_database =
recipient_delimiter = +
virtual_mailbox_domains = example.com
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ {mailbox}=box/ }}
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_recipient_restrictions = reject_unauth_destination
"""
_MASTER: Final = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


def why_none() -> str | None:
    """Why there is no Postfix to be had here; None where there is."""
    if binary() is None:
        return "there is no Postfix: install Debian's postfix"
    if os.geteuid() != 0:
        return "Postfix needs root to start"
    return None


def binary() -> str | None:
    """Return where Postfix is."""
    return shutil.which("postfix", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Postfix:
    """One server with one mailbox, `wang@example.com`; every other address of that domain is unknown."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        [self.port] = free_ports(1)

    def start(self) -> None:
        """Start it, and wait until it answers. Raises RuntimeError."""
        mail, own = pwd.getpwnam("mail"), pwd.getpwnam("postfix")
        for name in ("etc", "queue", "data", "mail"):
            (self.folder / name).mkdir(parents=True)
        os.chown(self.folder / "data", own.pw_uid, -1)
        os.chown(self.folder / "mail", mail.pw_uid, mail.pw_gid)
        words = {
            "folder": self.folder, "port": self.port, "mailbox": MAILBOX, "uid": mail.pw_uid, "gid": mail.pw_gid
        }  # fmt: skip
        (self.folder / "etc/main.cf").write_text(_MAIN.format(**words), encoding="utf-8")
        (self.folder / "etc/master.cf").write_text(_MASTER.format(**words), encoding="utf-8")
        self._command("start")
        self._wait()

    def stop(self) -> None:
        """End it."""
        self._command("stop")

    def delivered(self, *, within: float = READY_SECONDS) -> bytes:
        """The first mail in the mailbox. Raises TimeoutError."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            for path in (self.folder / "mail/box/new").glob("*"):
                return path.read_bytes()
            time.sleep(0.1)
        raise TimeoutError(f"no mail was delivered: {self._log()}")

    def _command(self, name: str) -> None:
        command = [str(binary()), "-c", str(self.folder / "etc"), name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"postfix {name}: {done.stderr[-2_000:]} {self._log()}")

    def _wait(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                    if connection.recv(100).startswith(b"220"):
                        return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"Postfix does not answer on port {self.port}: {self._log()}")

    def _log(self) -> str:
        log = self.folder / "log"
        return log.read_text(encoding="utf-8", errors="replace")[-2_000:] if log.exists() else ""
