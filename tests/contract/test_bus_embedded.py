"""What the embedded log promises beyond the common contract: one process, one disk, nothing lost."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.bus.embedded.bus import FILE, HAND_OVER, open_embedded
from shared.bus.embedded.folder import FolderRefused, file_system_of
from shared.bus.open import open_bus
from shared.bus.port import (
    BusFull,
    BusMisconfigured,
    GroupMoved,
    Message,
    Topic,
)
from shared.clock import FixedClock
from tests.contract.bus_engines import (
    PATIENCE,
    after,
    numbered,
    read_until,
    take,
    take_batch,
    values_by_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.bus.port import Bus

ROOT = Path(__file__).parents[2]
TOPIC = Topic("t", partitions=3)

PUBLISHES_FOR_EVER = """
import asyncio, sys
from pathlib import Path
from shared.bus.open import open_bus
from shared.bus.port import Message, Topic

async def main():
    async with open_bus("embedded", folder=Path(sys.argv[1])) as bus:
        await bus.create_topics([Topic("t", partitions=3)])
        async def publish(key):
            number = 0
            while True:
                batch = [Message(key, f"{number + i}".encode()) for i in range(3)]
                await bus.publish("t", batch)
                number += 3
                print(key, number, flush=True)
        await asyncio.gather(*(publish(f"key-{k}") for k in range(4)))

asyncio.run(main())
"""


def _python(code: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def test_a_second_process_is_refused_and_told_what_to_do(tmp_path: Path) -> None:
    async with open_bus("embedded", folder=tmp_path) as bus:
        assert not bus.features.many_processes

        second = await asyncio.to_thread(_python(PUBLISHES_FOR_EVER, tmp_path).communicate)

    assert f"is in use by process {os.getpid()}" in second[1]
    assert "stop it first" in second[1]


async def test_kill_9_while_publishing_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """INVARIANT: what publish returned is in the log, in order and without a gap."""
    for run in range(3):
        acknowledged = await asyncio.to_thread(_publish_and_kill, tmp_path, 20 * (run + 1))

        async with open_bus("embedded", folder=tmp_path) as bus, bus.read("t") as reader:
            records = await read_until(reader, lambda _: reader.caught_up)
        assert sum(acknowledged.values()) >= 60 * (run + 1)
        for key, values in values_by_key(records).items():
            latest = values[len(values) - 1 - values[::-1].index("0") :]  # of this run
            assert latest == [str(number) for number in range(len(latest))]
            assert len(latest) >= acknowledged.get(key, 0)


def _publish_and_kill(folder: Path, lines: int) -> dict[str, int]:
    acknowledged: dict[str, int] = {}
    with _python(PUBLISHES_FOR_EVER, folder) as child:
        assert child.stdout is not None
        for line, _ in zip(child.stdout, range(lines), strict=False):
            key, number = line.split()
            acknowledged[key] = int(number)
        child.send_signal(signal.SIGKILL)
        for line in child.stdout:  # what it still said before it died
            if len(line.split()) == 2 and line.endswith("\n"):
                acknowledged[line.split()[0]] = int(line.split()[1])
    return acknowledged


async def test_the_size_cap_refuses_to_publish_and_reading_goes_on(tmp_path: Path) -> None:
    async with open_embedded(tmp_path, size_cap=1 << 20) as bus:
        await bus.create_topics([TOPIC])
        published = await _fill(bus)

        async with bus.read("t") as reader:
            records = await read_until(reader, lambda _: reader.caught_up)
    assert [record.value[:4] for record in records] == [f"{n:4}".encode() for n in range(published)]

    async with open_embedded(tmp_path, size_cap=2 << 20) as bus:
        await bus.publish("t", [Message("k", b"fits again")])


async def _fill(bus: Bus) -> int:
    """Publish until there is no room; how many were taken."""
    for number in range(1000):
        try:
            await bus.publish("t", [Message("k", f"{number:4}".encode() + bytes(20_000))])
        except BusFull:
            return number
    pytest.fail("the log never filled")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("a file system of its own needs root")
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if mounted.returncode != 0:
        pytest.skip("this machine lets nobody mount a tmpfs")
    yield folder
    subprocess.run(["/bin/umount", str(folder)], check=True)


async def test_a_full_disk_fails_the_publish_and_goes_on_when_there_is_room(
    small_disk: Path,
) -> None:
    async with open_bus("embedded", folder=small_disk) as bus:
        await bus.create_topics([TOPIC])
        published = await _fill(bus)
        await asyncio.to_thread(
            subprocess.run,
            ["/bin/mount", "-o", "remount,size=12m", str(small_disk)],
            check=True,
        )

        await bus.publish("t", [Message("k", f"{published:4}".encode())])

        async with bus.read("t") as reader:
            records = await read_until(reader, lambda _: reader.caught_up)
    assert [record.value[:4] for record in records] == [
        f"{n:4}".encode() for n in range(published + 1)
    ]
    check = sqlite3.connect(small_disk / FILE)
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()


async def test_only_what_is_old_and_read_by_every_group_is_pruned(tmp_path: Path) -> None:
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    topic = Topic("t", partitions=1, retention=timedelta(days=90))
    async with open_embedded(tmp_path, clock=clock) as bus:
        await bus.create_topics([topic])
        await bus.publish("t", numbered(["old"], 1500))
        clock.advance(timedelta(days=80))
        await bus.publish("t", numbered(["young"], 3))
        clock.advance(timedelta(days=11))
        async with bus.subscribe("quick", ["t"]) as quick, bus.subscribe("slow", ["t"]) as slow:
            await take(quick, 1503)
            batch = await take_batch(slow, at_most=1200)
            await slow.commit(after(batch))

            assert await bus.prune() == 1200
            assert sum((await bus.lag("slow", ["t"])).values()) == 303
            rest = await take(slow, 303)
            assert await bus.prune() == 300
            assert await bus.prune() == 0

        async with bus.read("t") as reader:
            records = await read_until(reader, lambda _: reader.caught_up)
    assert rest[0].offset == 1200
    assert [record.offset for record in records] == [1500, 1501, 1502]


async def test_offsets_go_on_after_everything_was_pruned(tmp_path: Path) -> None:
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    topic = Topic("t", partitions=1, retention=timedelta(days=1))
    async with open_embedded(tmp_path, clock=clock) as bus:
        await bus.create_topics([topic])
        await bus.publish("t", numbered(["a"], 3))
        clock.advance(timedelta(days=2))
        assert await bus.prune() == 3
    async with open_embedded(tmp_path, clock=clock) as bus:
        async with bus.read("t") as reader:
            empty = await read_until(reader, lambda _: reader.caught_up)
        await bus.publish("t", numbered(["b"], 1))
        async with bus.read("t") as reader:
            records = await read_until(reader, lambda _: reader.caught_up)
        lag = await bus.lag("g", ["t"])

    assert empty == []
    assert [record.offset for record in records] == [3]
    assert sum(lag.values()) == 1


async def test_something_in_flight_holds_a_partition_back_only_for_a_while(tmp_path: Path) -> None:
    topic = Topic("t", partitions=2)
    async with open_embedded(tmp_path) as bus:
        await bus.create_topics([topic])
        await bus.publish("t", numbered([f"key-{number}" for number in range(10)], 1))
        async with bus.subscribe("g", ["t"]) as busy:
            batch = await take_batch(busy)
            assert len(batch) == 2
            started = asyncio.get_running_loop().time()
            async with bus.subscribe("g", ["t"]) as joined:
                moved = await take_batch(joined)
                waited = asyncio.get_running_loop().time() - started
                (slot,) = moved
                with pytest.raises(GroupMoved):
                    await busy.commit(after(batch))
                await joined.commit(after(moved))
        lag = await bus.lag("g", ["t"])

    assert HAND_OVER.total_seconds() * 0.9 <= waited < PATIENCE
    assert moved[slot] == batch[slot]
    assert sum(lag.values()) == 0  # the late commit recorded what was still its own


async def test_a_cancelled_publish_leaves_the_log_whole(tmp_path: Path) -> None:
    async with open_bus("embedded", folder=tmp_path) as bus:
        await bus.create_topics([TOPIC])
        tasks = [
            asyncio.create_task(bus.publish("t", numbered([f"key-{number}"], 4)))
            for number in range(50)
        ]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await bus.publish("t", numbered(["after"], 1))

        async with bus.read("t") as reader:
            records = await read_until(reader, lambda _: reader.caught_up)
    found = values_by_key(records)
    assert all(len(found[f"key-{number}"]) == 4 for number in range(1, 50, 2))
    assert all(len(values) == 4 for key, values in found.items() if key != "after")


async def test_a_foreign_newer_or_damaged_file_is_refused(tmp_path: Path) -> None:
    async with open_bus("embedded", folder=tmp_path) as bus:
        await bus.create_topics([TOPIC])
        await bus.publish("t", numbered(["a"], 200))
    path = tmp_path / FILE

    for statement, complaint in (
        ("PRAGMA user_version = 2", "schema version 2"),
        ("PRAGMA application_id = 7", "not a log of Redress"),
    ):
        connection = sqlite3.connect(path)
        connection.execute(statement)
        connection.close()
        with pytest.raises(BusMisconfigured, match=complaint):
            async with open_bus("embedded", folder=tmp_path):
                pass
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA application_id = 0x52445342")
    connection.execute("PRAGMA user_version = 1")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with path.open("r+b") as file:
        file.seek(3 * 4096 + 20)
        file.write(b"\xff" * 8000)
    with pytest.raises(BusMisconfigured, match="damaged"):
        async with open_bus("embedded", folder=tmp_path):
            pass


def test_the_file_system_is_the_one_mounted_nearest() -> None:
    mounts = (
        "22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
        "40 22 0:40 / /srv rw shared:1 - nfs4 host:/srv rw\n"
        "41 40 0:41 / /srv/my\\040data rw - xfs /dev/vdb rw\n"
    )

    assert file_system_of(Path("/var/lib/redress"), mounts) == "ext4"
    assert file_system_of(Path("/srv/redress"), mounts) == "nfs4"
    assert file_system_of(Path("/srv/my data/x"), mounts) == "xfs"


async def test_a_network_file_system_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text("22 1 0:40 / / rw - nfs4 host:/ rw\n")
    monkeypatch.setattr("shared.bus.embedded.folder._MOUNTS", mounts)

    with pytest.raises(FolderRefused, match="nfs4"):
        async with open_bus("embedded", folder=tmp_path):
            pass


async def test_an_unknown_topic_or_address_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BusMisconfigured, match="kafka://host:port"):
        async with open_bus("rabbit://x", folder=tmp_path):
            pass
    async with open_bus("embedded", folder=tmp_path) as bus:
        with pytest.raises(BusMisconfigured, match="redress migrate"):
            await bus.publish("none", numbered(["a"], 1))
