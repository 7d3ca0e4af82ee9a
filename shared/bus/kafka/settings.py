"""How to reach Kafka, and how long to wait for it."""

from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from shared.bus.port import MESSAGE_CAP, BusMisconfigured

BATCH_OVERHEAD = 1024  # bytes Kafka adds to a batch of one record; in truth about 90


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """How to reach Kafka. The defaults were measured: change them for tests, or knowingly."""

    servers: tuple[str, ...]
    replicas: int = 1
    """Copies of each partition of the topics created; 3 in production, with min.insync.replicas 2."""
    member: str | None = None
    """Static membership: a name for this process that survives its restart, one for each replica."""
    message_cap: int = MESSAGE_CAP
    session: timedelta = timedelta(seconds=10)
    heartbeat: timedelta = timedelta(seconds=0.5)
    """How soon a member learns that another one came or went: a hand-over takes that long at least."""
    request_timeout: timedelta = timedelta(seconds=40)
    publish_timeout: timedelta = timedelta(seconds=60)
    """After this an unanswered publish is unknown; above the request timeout, to ride a bounce out."""
    answer_timeout: timedelta = timedelta(seconds=10)
    """For a commit, and for a question about offsets."""
    stuck_after: timedelta = timedelta(seconds=60)
    """Without a record for so long although some are there, a consumer is built anew."""

    @property
    def batch_bytes(self) -> int:
        """The largest batch sent: every topic must take it."""
        return self.message_cap + BATCH_OVERHEAD


def settings_from(url: str) -> KafkaSettings:
    """Read `kafka://host:port,host:port?replicas=3&member=name`. Raises BusMisconfigured."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    servers = tuple(server for server in parts.netloc.split(",") if server)
    replicas = options.pop("replicas", "1")
    member = options.pop("member", None)
    if parts.scheme != "kafka" or not servers or options or not replicas.isdigit():
        raise BusMisconfigured(
            f"{url!r} is no address of Kafka: say `kafka://host:port,host:port`,"
            " with `?replicas=3` or `&member=name` behind it if need be"
        )
    return KafkaSettings(servers, replicas=max(int(replicas), 1), member=member)
