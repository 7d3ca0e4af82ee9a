"""Creating topics, checking them, and counting lag."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import GroupCoordinatorNotAvailableError, TopicAlreadyExistsError, for_code
from aiokafka.structs import OffsetAndMetadata

from shared.bus.kafka.client import connection, new_consumer, unavailable
from shared.bus.kafka.ending import end_admin, leave
from shared.bus.kafka.settings import KafkaSettings
from shared.bus.port import BusMisconfigured, BusUnavailable, Slot, Topic

ADMIN_WITHIN = 60.0
PROBE = 0.1  # seconds between looks whether new topics have leaders
LIMIT = "max.message.bytes"
COMPACTED_WITHIN = timedelta(days=7)


async def create(settings: KafkaSettings, topics: Sequence[Topic]) -> None:
    """Create the topics that are missing, and check all. Raises BusUnavailable or BusMisconfigured."""
    with unavailable("creating topics"):
        async with asyncio.timeout(ADMIN_WITHIN), _admin(settings) as admin:
            response = await admin.create_topics([_new(topic, settings) for topic in topics])
            for name, code, *rest in response.topic_errors:
                error = for_code(code)
                if code and error is not TopicAlreadyExistsError:
                    raise BusUnavailable(
                        f"Kafka does not create topic {name}: {error.__name__} {rest}"
                    )
            await _wait_for_leaders(admin, [topic.name for topic in topics])
            await _check_limits(admin, [topic.name for topic in topics], settings.batch_bytes)


async def lag(settings: KafkaSettings, group: str, topics: Sequence[str]) -> Mapping[Slot, int]:
    """Count what the group has not committed, per partition. Raises BusUnavailable."""
    with unavailable(f"asking for the lag of {group}"):
        async with (
            asyncio.timeout(settings.answer_timeout.total_seconds()),
            _admin(settings) as admin,
            _prober(settings) as prober,
        ):
            described = await admin.describe_topics(list(topics))
            parts = [
                TopicPartition(topic["topic"], part["partition"])
                for topic in described
                for part in topic["partitions"]
            ]
            if {part.topic for part in parts} != set(topics):
                raise BusUnavailable(f"Kafka lacks one of {sorted(topics)}: run `redress migrate`")
            committed = await _committed(admin, group)
            ends = await prober.end_offsets(parts)
            begins = await prober.beginning_offsets(parts)
            stand = {part: committed[part].offset if part in committed else 0 for part in parts}
    return {
        Slot(*part): max(ends[part] - max(stand[part], begins[part]), 0) for part in sorted(parts)
    }


async def _committed(
    admin: AIOKafkaAdminClient, group: str
) -> Mapping[TopicPartition, OffsetAndMetadata]:
    """Where the group stands. A new broker makes its topic of offsets only when first asked for a group."""
    while True:
        try:
            found: Mapping[TopicPartition, OffsetAndMetadata]
            found = await admin.list_consumer_group_offsets(group)
        except GroupCoordinatorNotAvailableError:
            await asyncio.sleep(PROBE)
        else:
            return found


async def skip_to_end(settings: KafkaSettings, group: str, topics: Sequence[str]) -> None:
    """Set a group without members behind all that is in the topics. Raises BusUnavailable."""
    with unavailable(f"moving {group} on"):
        async with asyncio.timeout(ADMIN_WITHIN), _admin(settings) as admin:
            described = await admin.describe_topics(list(topics))
            parts = [
                TopicPartition(topic["topic"], part["partition"])
                for topic in described
                for part in topic["partitions"]
            ]
            mover = new_consumer(settings, group_id=group)
            mover.assign(parts)
            try:
                await mover.start()
                await mover.commit(await mover.end_offsets(parts))
            finally:
                await leave(mover)


@asynccontextmanager
async def _admin(settings: KafkaSettings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**connection(settings))
    try:
        await admin.start()
        yield admin
    finally:
        await end_admin(admin)


@asynccontextmanager
async def _prober(settings: KafkaSettings) -> AsyncIterator[AIOKafkaConsumer]:
    prober = new_consumer(settings)
    try:
        await prober.start()
        yield prober
    finally:
        await leave(prober)


def _new(topic: Topic, settings: KafkaSettings) -> NewTopic:
    configs = {LIMIT: str(max(settings.batch_bytes, 1 << 20))}
    if settings.replicas > 1:
        configs["min.insync.replicas"] = str(settings.replicas // 2 + 1)
    if topic.compacted:
        configs["cleanup.policy"] = "compact"
        configs["max.compaction.lag.ms"] = _milliseconds(COMPACTED_WITHIN)
    else:
        configs["cleanup.policy"] = "delete"
        configs["retention.ms"] = (
            "-1" if topic.retention is None else _milliseconds(topic.retention)
        )
    return NewTopic(topic.name, topic.partitions, settings.replicas, topic_configs=configs)


async def _wait_for_leaders(admin: AIOKafkaAdminClient, names: Sequence[str]) -> None:
    """A topic just created has no leader for a moment."""
    while True:
        described = await admin.describe_topics(list(names))
        parts = [part for topic in described for part in topic["partitions"]]
        if all(topic["partitions"] for topic in described) and all(
            part["leader"] >= 0 for part in parts
        ):
            return
        await asyncio.sleep(PROBE)


async def _check_limits(admin: AIOKafkaAdminClient, names: Sequence[str], needed: int) -> None:
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, {LIMIT: ""}) for name in names]
    for response in await admin.describe_configs(resources):
        for code, _, _, name, entries in (each[:5] for each in response.resources):
            limits = [int(entry[1]) for entry in entries if entry[0] == LIMIT]
            if not code and limits and limits[0] < needed:
                raise BusMisconfigured(
                    f"topic {name} takes batches of {limits[0]} bytes, but a message may need {needed}:"
                    f" set its {LIMIT} to {needed} or more"
                )


def _milliseconds(span: timedelta) -> str:
    return str(round(span.total_seconds() * 1000))
