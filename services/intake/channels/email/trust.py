"""Whether a mail comes from whom it says: what our own server found (RFC 8601), and nobody else's word for it."""

import re
from typing import Final

from services.intake.channels.email.headers import Headers
from services.intake.channels.port import Own

_RESULT: Final = re.compile(r"\b(dmarc|dkim|spf)\s*=\s*(\w+)([^;]{0,500})", re.IGNORECASE)
_DOMAIN: Final = re.compile(
    r"header\.(?:d|i|from)\s*=\s*@?\"?(?:[^@\s\"]*@)?([\w.-]+)", re.IGNORECASE
)


def is_proven(headers: Headers, sender: str, own: Own) -> bool:
    """Whether our server proved the sender: DMARC passed, or a DKIM signature of the sender's own domain.

    Where no server of ours is named, nothing can be proven or doubted, and this is True: the thread must do.
    """
    if own.authserv is None:
        return True
    domain = sender.rpartition("@")[2].lower()
    for value in headers.values("authentication-results"):
        server, _, results = value.partition(";")
        if server.split()[:1] == [own.authserv] and _passes(results, domain):
            return True
    return False


def _passes(results: str, domain: str) -> bool:
    for method, result, properties in _RESULT.findall(results):
        if result.lower() != "pass" or method.lower() == "spf":
            continue
        signed = [one.lower() for one in _DOMAIN.findall(properties)]
        if any(domain == one or domain.endswith("." + one) for one in signed):
            return True
    return False
