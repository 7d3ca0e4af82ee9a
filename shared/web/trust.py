"""HTTP clients, and which authorities they believe over TLS: read when the process makes its first client."""

import importlib.util
import ssl
import sys
from functools import cache
from typing import Any

import httpx


def client(**options: Any) -> httpx.AsyncClient:  # noqa: ANN401 - what httpx takes
    """An HTTP client that asks no proxy of the environment. `options` are httpx's."""
    return httpx.AsyncClient(trust_env=False, verify=authorities(), **options)


@cache
def authorities() -> ssl.SSLContext:
    """The usual ones, read once: reading them takes 25 ms, which each client would spend anew."""
    _say_what_is_not_here()
    return httpx.create_ssl_context(trust_env=False)


def _say_what_is_not_here() -> None:
    """The client asks at every lock whether sniffio is there, and where it is not Python looks through all folders."""
    if "sniffio" not in sys.modules and importlib.util.find_spec("sniffio") is None:
        sys.modules["sniffio"] = None  # type: ignore[assignment] # so an import fails at once
