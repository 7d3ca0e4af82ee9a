"""What a system under test stands on: the embedded engines, or a Kafka and a PostgreSQL of its own behind proxies."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from chaos.proxy import Proxy
from dev.kafka import Broker, new_broker
from dev.postgres import Postgres, new_folder
from dev.process import LOOPBACK, free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Kind = Literal["embedded", "grown"]


@dataclass(frozen=True, slots=True)
class Grown:
    """Servers, and the links to them."""

    broker: Broker
    postgres: Postgres
    broker_link: Proxy
    postgres_link: Proxy


@dataclass(frozen=True, slots=True)
class Engines:
    """`environment` is what a process needs to use them."""

    kind: Kind
    environment: Mapping[str, str]
    servers: Grown | None = None

    def environment_of(self, member: str | None) -> Mapping[str, str]:
        """That of one process; a `member` keeps its place in Kafka's groups over a restart."""
        if member is None or self.servers is None:
            return self.environment
        return {
            **self.environment,
            "REDRESS_BUS": f"{self.environment['REDRESS_BUS']}?member={member}",
        }

    @property
    def grown(self) -> Grown:
        """The servers. Raises ValueError on the embedded engines, which have none."""
        if self.servers is None:
            raise ValueError("this needs Kafka and PostgreSQL: choose the engine grown")
        return self.servers


@contextmanager
def engines(kind: Kind, folder: Path) -> Iterator[Engines]:
    """Start what `kind` needs, and remove it at the end."""
    if kind == "embedded":
        yield Engines(kind, {})
        return
    with ExitStack() as stack:
        broker_port, kafka_port, postgres_port, database_port = free_ports(4)
        # A broker tells its clients where it is to be reached: through the proxy.
        advertised = {"advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{kafka_port}"}
        broker = new_broker(folder / "kafka", settings=advertised, port=broker_port)
        stack.callback(broker.remove)
        postgres = Postgres(new_folder(), port=postgres_port, durable=True)
        stack.callback(postgres.remove)
        postgres.start()
        broker.start()
        links = Proxy(kafka_port, broker_port), Proxy(database_port, postgres_port)
        for link in links:
            stack.enter_context(link.running())
        user = postgres.url.partition("@")[0]
        environment = {
            "REDRESS_BUS": f"kafka://{LOOPBACK}:{kafka_port}",
            "REDRESS_DATABASE": f"{user}@{LOOPBACK}:{database_port}/redress_{{service}}",
        }
        yield Engines(kind, environment, Grown(broker, postgres, *links))
