"""How to reach Kafka, and how long to wait for it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from shared.bus.port import MESSAGE_CAP, BusMisconfigured

MECHANISMS: Final = ("SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN")
BATCH_OVERHEAD = 1024  # bytes Kafka adds to a batch of one record; in truth about 90


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """How to reach Kafka. The defaults were measured: change them for tests, or knowingly."""

    servers: tuple[str, ...]
    user: str | None = None
    """Who this is to Kafka (SASL); nobody asks when None."""
    password: str = field(default="", repr=False)
    mechanism: str = MECHANISMS[0]
    tls: bool = False
    ca: str | None = None
    """File with the authorities that Kafka's certificate is checked against; the machine's own when None."""
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
    """Read `kafka://user:password@host:port,host:port?tls=yes&replicas=3`. Raises BusMisconfigured.

    User and password are percent-encoded and may be missing. Options: `tls=yes` and `ca=FILE`, `mechanism` (of SASL),
    `replicas` (of new topics), `member` (static membership).
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    credential, _, hosts = parts.netloc.rpartition("@")
    servers = tuple(server for server in hosts.split(",") if server)
    user, _, password = map(unquote, credential.partition(":"))
    replicas, ca = options.pop("replicas", "1"), options.pop("ca", None)
    tls, mechanism = options.pop("tls", "yes" if ca else "no"), options.pop("mechanism", None)
    member = options.pop("member", None)
    wrong = [
        what
        for what, is_wrong in (
            ("no server", parts.scheme != "kafka" or not servers),
            (f"unknown options ({', '.join(options)})", bool(options)),
            ("`replicas` is no number", not replicas.isdigit()),
            ("`tls` is neither yes nor no", tls not in {"yes", "no"}),
            ("`ca` without tls=yes", ca is not None and tls == "no"),
            (
                f"`mechanism` is none of {', '.join(MECHANISMS)}",
                mechanism not in (None, *MECHANISMS),
            ),
            ("`mechanism` without a user", mechanism is not None and not user),
            ("a user without a password", bool(user) != bool(password)),
        )
        if is_wrong
    ]
    if wrong:
        # Not the address itself: it may hold a password.
        raise BusMisconfigured(
            f"the address of Kafka is wrong: {'; '.join(wrong)}. Say `kafka://host:port,host:port`, with"
            " `user:password@` before the hosts and `?tls=yes`, `&replicas=3` and the like behind them if need be"
        )
    return KafkaSettings(
        servers,
        user=user or None,
        password=password,
        mechanism=mechanism or MECHANISMS[0],
        tls=tls == "yes",
        ca=ca,
        replicas=max(int(replicas), 1),
        member=member,
    )
