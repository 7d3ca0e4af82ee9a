"""Logs, the trace that runs through them, and the names of every metric.

A log line is one JSON object (or a coloured line on a terminal). It carries the complaint's number and the trace id
of what is being done, and nothing personal: long digit runs and mail addresses are blotted out in every field.
"""

import contextvars
import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_trace: contextvars.ContextVar[str | None] = contextvars.ContextVar("trace", default=None)
_fields: contextvars.ContextVar[Mapping[str, object]] = contextvars.ContextVar(
    "fields", default=MappingProxyType({})
)
"""What every log line carries now. A dict of our own: structlog's has a variable a field, at five times the cost."""

_PERSONAL = re.compile(
    r"[\w.+-]{1,64}@[\w-]{1,253}\.[\w.]+|(?<![A-Za-z0-9-])\+?\d{9,}(?![A-Za-z0-9-])"
)
_TRACEPARENT = re.compile(r"\A00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}\Z")


def new_trace() -> str:
    """A trace id (W3C Trace Context): 32 hex digits."""
    return os.urandom(16).hex()


def trace_of(traceparent: str | None) -> str | None:
    """The trace id in a `traceparent` header, or None when there is none or it is malformed."""
    match = _TRACEPARENT.match(traceparent or "")
    return match.group(1) if match else None


def traceparent(trace: str) -> str:
    """A `traceparent` header of a trace id, with a new span id."""
    return f"00-{trace}-{os.urandom(8).hex()}-01"


def current_trace() -> str | None:
    """The trace id of what is being done now."""
    return _trace.get()


@contextmanager
def tracing(trace: str | None, **fields: object) -> Iterator[str]:
    """Run a block under a trace (a new one when None); `fields` (such as `number`) go into its log lines."""
    trace = trace or new_trace()
    token, outer = _trace.set(trace), _fields.set({**_fields.get(), "trace_id": trace, **fields})
    try:
        yield trace
    finally:
        _fields.reset(outer)
        _trace.reset(token)


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger; pass facts as fields, never inside the message."""
    found: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return found


def configure_logs(*, level: str, json: bool | None = None) -> None:
    """Send logs to standard error: JSON lines, or coloured text where a terminal is."""
    as_json = not sys.stderr.isatty() if json is None else json
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            _add_fields,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _blot,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries log through logging: only what needs a person.
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def _add_fields(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401 - structlog's own shape
    return {**_fields.get(), **event}


LONGEST_FIELD = 8_000
"""Characters of a field that are logged."""


def _blot(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ANN401 - structlog's own shape
    for field, value in event.items():
        if isinstance(value, str) and field != "timestamp":
            # What comes from outside may be of any length.
            event[field] = _PERSONAL.sub("▇", value[:LONGEST_FIELD])
    return event


class Metrics:
    """Every metric there is. One per process, handed to what counts; `/metrics` serves it."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self.requests = Counter(
            "redress_http_requests",
            "HTTP requests answered",
            ["service", "method", "status"],
            registry=registry,
        )
        self.request_seconds = Histogram(
            "redress_http_request_seconds",
            "Time to answer an HTTP request",
            ["service"],
            registry=registry,
        )
        self.commits = Counter(
            "redress_commits", "Transactions committed", ["service"], registry=registry
        )
        self.outbox_waiting = Gauge(
            "redress_outbox_waiting", "Events not yet in the log", ["service"], registry=registry
        )
        self.outbox_refused = Gauge(
            "redress_outbox_refused",
            "Events the log will never take",
            ["service"],
            registry=registry,
        )
        self.relayed = Counter(
            "redress_relayed", "Events put into the log", ["service"], registry=registry
        )
        self.consumed = Counter(
            "redress_consumed",
            "Events taken, by what became of them",
            ["service", "verdict"],
            registry=registry,
        )
        self.parked = Gauge(
            "redress_parked_keys",
            "What is parked: keys of events, and timers",
            ["service", "state"],
            registry=registry,
        )
        self.lag = Gauge(
            "redress_lag",
            "Events in the log that a service has not applied yet",
            ["service", "topic"],
            registry=registry,
        )
        self.ready = Gauge(
            "redress_ready", "1 where a service can work, else 0", ["service"], registry=registry
        )
        self.packs_refused = Gauge(
            "redress_packs_refused",
            "1 where a pack in force cannot be read and the last good one stays, else 0",
            ["service"],
            registry=registry,
        )
        self.timers_overdue = Gauge(
            "redress_timers_overdue", "Timers due and not fired", ["service"], registry=registry
        )
        self.timers_fired = Counter(
            "redress_timers_fired", "Timers fired", ["service", "timer"], registry=registry
        )
        self.timer_lateness = Histogram(
            "redress_timer_lateness_seconds",
            "How late timers fire",
            ["service"],
            buckets=(0.1, 0.5, 1, 2, 5, 15, 60, 300),
            registry=registry,
        )
        self.messages = Counter(
            "redress_messages",
            "Message attempts by result",
            ["channel", "result"],
            registry=registry,
        )
        self.loop_lag = Gauge(
            "redress_loop_lag_seconds", "How late the event loop wakes", registry=registry
        )
