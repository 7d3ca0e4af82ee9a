"""Settings with which a fault shows within seconds."""

from __future__ import annotations

from datetime import timedelta

from shared.bus.kafka.settings import KafkaSettings

PATIENCE = 90.0  # seconds; a broker killed takes a while to come back


def impatient(server: str) -> KafkaSettings:
    """Return settings that give up early."""
    return KafkaSettings(
        (server,),
        request_timeout=timedelta(seconds=2),
        publish_timeout=timedelta(seconds=4),
        answer_timeout=timedelta(seconds=3),
        stuck_after=timedelta(seconds=2),
    )
