"""What every client of Kafka is built with."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from shared.bus.kafka.settings import KafkaSettings
from shared.bus.port import BusMisconfigured, BusUnavailable

START_WITHIN = 45.0  # seconds: a group that forms waits for its slowest member


def connection(settings: KafkaSettings) -> dict[str, Any]:
    """Where Kafka is, and how to be let in, as every client of aiokafka takes it. Raises BusMisconfigured."""
    found: dict[str, Any] = {
        "bootstrap_servers": list(settings.servers),
        "request_timeout_ms": round(settings.request_timeout.total_seconds() * 1000),
        "security_protocol": ("SASL_" if settings.user else "")
        + ("SSL" if settings.tls else "PLAINTEXT"),
    }
    if settings.tls:
        found["ssl_context"] = _ssl_context(settings.ca)
    if settings.user:
        found |= {
            "sasl_mechanism": settings.mechanism,
            "sasl_plain_username": settings.user,
            "sasl_plain_password": settings.password,
        }
    return found


def _ssl_context(ca: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:  # ssl's own errors too
        raise BusMisconfigured(
            f"{ca} cannot be used to check Kafka's certificate ({error}): name a readable file of certificates in PEM"
            " form by `ca=` in REDRESS_BUS"
        ) from error


def new_consumer(settings: KafkaSettings, **more: Any) -> AIOKafkaConsumer:  # noqa: ANN401 - aiokafka's own
    """Build a consumer that commits nothing by itself and begins at the beginning."""
    return AIOKafkaConsumer(
        **connection(settings),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
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
