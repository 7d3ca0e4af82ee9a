"""The data folder: held by one process, and on a disk of this host."""

import errno
import fcntl
import os
import re
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.errors import RedressError

REMOTE = frozenset(
    [
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "fuse.glusterfs",
        "fuse.s3fs",
        "fuse.sshfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "smb3",
        "smbfs",
    ]
)
MOUNT_POINT = 4  # its column in /proc/self/mountinfo
_ESCAPE = re.compile(r"\\([0-7]{3})")  # a space, for one, stands there as \040
_MOUNTS = Path("/proc/self/mountinfo")


class FolderRefused(RedressError):
    """The data folder cannot be used as it is; the message says what to do."""


class FolderLock:
    """Holds `folder/lock` for as long as it is open: the log serves one process.

    The lock goes with the process, however that ends; the file stays. Raises FolderRefused where another holds it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._file = -1

    def __enter__(self) -> Self:
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._file, 20).decode(errors="replace").strip()
            os.close(self._file)
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            raise FolderRefused(
                f"{self._path.parent} is in use by process {holder or 'unknown'}: the embedded log serves one process."
                " Reach the running system by HTTP, stop it first, or give this one another data folder."
            ) from None
        os.ftruncate(self._file, 0)
        os.write(self._file, f"{os.getpid()}\n".encode())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._file)


def refuse_remote(folder: Path) -> None:
    """Raise FolderRefused if `folder` is on a network file system, where SQLite's WAL is not safe."""
    try:
        mounts = _MOUNTS.read_text()
    except OSError:  # no Linux: nothing to ask
        return
    kind = file_system_of(folder.resolve(), mounts)
    if kind in REMOTE:
        raise FolderRefused(
            f"{folder} is on a network file system ({kind}): the embedded log needs a disk of this host."
            " Put the data folder on a local disk, or use Kafka."
        )


def file_system_of(folder: Path, mounts: str) -> str:
    """The type of the file system that holds `folder`, by the text of /proc/self/mountinfo (see proc(5))."""
    best, kind = -1, ""
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split(" ")
        if len(fields) <= MOUNT_POINT or not right:
            continue
        point = Path(_ESCAPE.sub(lambda found: chr(int(found[1], 8)), fields[MOUNT_POINT]))
        if folder.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), right.split(" ", 1)[0]
    return kind
