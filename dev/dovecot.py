"""A real IMAP server for tests: Debian's Dovecot, in a folder of its own, on a port of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Final

from dev.process import free_ports

if TYPE_CHECKING:
    from pathlib import Path

USER: Final = "complaints"
PASSWORD: Final = "p:w/d"  # noqa: S105 - of a server that lives as long as a test
READY_SECONDS: Final = 30.0
_CONFIG: Final = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_login_user = {login}
default_internal_user = {internal}
default_internal_group = {group}
first_valid_uid = 1
mail_location = maildir:{folder}/mail
mail_uid = {user}
mail_gid = {user_group}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={user_group} home={folder}/home
}}
"""


def why_none() -> str | None:
    """Why there is no Dovecot to be had here; None where there is."""
    if binary() is None:
        return "there is no Dovecot: install Debian's dovecot-imapd"
    if os.geteuid() != 0:
        return "Dovecot needs root to start"
    return None


def binary() -> str | None:
    """Return where Dovecot is."""
    return shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Dovecot:
    """One server with one mailbox."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        [self.port] = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"imap://{USER}:p%3Aw%2Fd@127.0.0.1:{self.port}/INBOX"

    def start(self) -> None:
        """Start it, and wait until it answers. Raises RuntimeError."""
        owner = pwd.getpwnam("mail")
        for name in ("mail", "home", "state", "run"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        for name in ("mail", "home"):
            os.chown(self.folder / name, owner.pw_uid, owner.pw_gid)
        config = self.folder / "dovecot.conf"
        text = _CONFIG.format(
            folder=self.folder, port=self.port, password=PASSWORD, login="dovenull", internal="dovecot",
            group="dovecot", user=owner.pw_uid, user_group=owner.pw_gid,
        )  # fmt: skip
        config.write_text(text, encoding="utf-8")
        self._process = subprocess.Popen(
            [str(binary()), "-F", "-c", str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=READY_SECONDS)

    def _wait(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                    if connection.recv(100).startswith(b"* OK"):
                        return
            except OSError:
                time.sleep(0.1)
        log = self.folder / "dovecot.log"
        said = log.read_text(encoding="utf-8", errors="replace")[-2_000:] if log.exists() else ""
        raise RuntimeError(f"Dovecot does not answer on port {self.port}: {said}")
