"""A log full of events that one service hears, stamped out of a recording."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

from bench.recording import Recording, Rows, Said
from shared.bus.port import Bus, Message
from shared.bus.topics import ALL
from shared.contracts.catalogue import TOPICS
from shared.settings import Settings

WARM_UP: Final = 1_000
"""Events before those that are timed: they open connections and fill caches."""
_CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class Template:
    """An event of a recorded life, with what is replaced in its copies."""

    topic: str
    value: str
    event_id: str
    complaint: str
    number: str
    rows: Rows
    """What it writes in the service that is measured."""


class Backlog:
    """The events of any number of complaints, as one service hears them."""

    def __init__(self, recording: Recording, *, service: str, topics: Sequence[str]) -> None:
        self.recording = recording
        self.lives = [
            [
                _template(said, life.complaint, life.number, service)
                for said in life.said
                if said.topic in topics
            ]
            for life in recording.lives
        ]

    def copies(self, events: int) -> Iterator[tuple[str, Message]]:
        """Topic and message of about so many events, complaint after complaint."""
        for at in range(events // max(map(len, self.lives))):
            life = at % len(self.lives)
            id_, number = complaint_of(at, life), number_of(at)
            for place, one in enumerate(self.lives[life]):
                value = one.value.replace(one.complaint, id_).replace(one.number, number)
                value = value.replace(one.event_id, f"{at:08x}-{place:04x}-7000-8000-{life:012x}")
                yield one.topic, Message(id_, value.encode())

    async def publish(self, bus: Bus, events: int) -> int:
        """Put the policy and about so many events, beside those to warm up, into a new log; gives how many."""
        await publish_policy(bus, self.recording)
        waiting: dict[str, list[Message]] = {}
        count = 0
        for topic, message in self.copies(WARM_UP + events):
            waiting.setdefault(topic, []).append(message)
            count += 1
            if len(waiting[topic]) == _CHUNK:
                await bus.publish(topic, waiting.pop(topic))
        for topic, messages in waiting.items():
            await bus.publish(topic, messages)
        return count


async def publish_policy(bus: Bus, recording: Recording) -> None:
    """Create the topics, with the policy in its own."""
    await bus.create_topics(ALL)
    policy = [Message(key, value.encode()) for key, value in recording.policy]
    await bus.publish(TOPICS["desk"], policy)


def complaint_of(at: int, life: int) -> str:
    """The id of a copy: in the order of time, and with the life that it was made of."""
    return f"{at:08x}-0000-7000-8000-{life:012x}"


def complaint_parts(id_: str) -> tuple[int, int]:
    """Which copy, and of which life, an id belongs to."""
    return int(id_[:8], 16), int(id_[-12:], 16)


def number_of(at: int) -> str:
    """A number as copies have it, without a check digit."""
    digits = f"{at:011d}"
    return f"{digits[:4]}-{digits[4:8]}-{digits[8:]}"


def _template(said: Said, complaint: str, number: str, service: str) -> Template:
    event_id = orjson.loads(said.value)["id"]
    return Template(
        said.topic, said.value, event_id, complaint, number, said.costs.get(service, {})
    )


def arguments(description: str | None) -> tuple[Settings, str, Recording, int]:
    """What subject and floor are started with: settings, service, recording, and how many events."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--service", required=True)
    parser.add_argument("--database", required=True, help="as REDRESS_DATABASE")
    parser.add_argument("--bus", required=True, help="embedded or kafka://host:port")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--recording", type=Path, required=True)
    parser.add_argument("--events", type=int, required=True)
    options = parser.parse_args()
    settings = Settings(data=options.folder, bus=options.bus, database=options.database)
    return settings, options.service, Recording.read(options.recording), options.events
