"""What every client of Kafka that reads is built with."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from shared.bus.kafka.settings import KafkaSettings
from shared.bus.port import BusUnavailable

START_WITHIN = 45.0  # seconds: a group that forms waits for its slowest member


def new_consumer(settings: KafkaSettings, **more: Any) -> AIOKafkaConsumer:  # noqa: ANN401 - aiokafka's own
    """Build a consumer that commits nothing by itself and begins at the beginning."""
    return AIOKafkaConsumer(
        bootstrap_servers=list(settings.servers),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=round(settings.request_timeout.total_seconds() * 1000),
        max_partition_fetch_bytes=max(1 << 20, 2 * settings.batch_bytes),
        **more,
    )


@contextmanager
def unavailable(doing: str) -> Iterator[None]:
    """Turn whatever Kafka's client raises into BusUnavailable."""
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise BusUnavailable(f"Kafka is away while {doing}: {error!r}") from error
