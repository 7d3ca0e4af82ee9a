"""Which addresses of other people's we may connect to. Pure: names are resolved elsewhere, and the answer is judged."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from shared.settings import Settings, SettingsError

PORTS: Final = frozenset({443, 8443})
_SPECIAL: Final = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
            "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24",
            "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
        ),
    )
)  # fmt: skip
"""IANA's special-purpose addresses. Python's own list differs from version to version: 3.11 calls 192.0.0.8 global."""
_GLOBAL_IPV6: Final = ip_network("2000::/3")
"""All else in IPv6 belongs to one machine or network, or carries an IPv4 address (NAT64, IPv4-mapped)."""
_NAME: Final = re.compile(
    r"(?i)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?\Z"
)
_LONGEST: Final = 2_000
Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Allowed:
    """A network of private consumers that the operator lets us reach, on one port or all."""

    network: IPv4Network | IPv6Network
    port: int | None

    def covers(self, address: Address, port: int) -> bool:
        return (
            self.port in {None, port}
            and address.version == self.network.version
            and address in self.network
        )


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart: whom to ask for, and where."""

    scheme: str
    host: str
    port: int
    path: str


class NotAllowed(ValueError):
    """We do not connect there; the message says why."""


def allowed_networks(settings: Settings) -> tuple[Allowed, ...]:
    """What the operator lets us reach. Raises SettingsError."""
    try:
        return read_allowed(settings.webhook_allow)
    except ValueError as error:
        raise SettingsError(f"REDRESS_WEBHOOK_ALLOW: {error}.") from error


def read_allowed(text: str) -> tuple[Allowed, ...]:
    """`10.0.0.0/8:8080, 192.168.1.5, [fd00::/8]:443`. Raises ValueError naming the part that is wrong."""
    return tuple(_allowed(one.strip()) for one in text.split(",") if one.strip())


def _allowed(text: str) -> Allowed:
    bracketed = re.fullmatch(r"\[(.+)\](?::(\d{1,5}))?", text)
    plain = re.fullmatch(r"([\d.]+(?:/\d+)?)(?::(\d{1,5}))?", text)
    found = bracketed or plain
    try:
        network = ip_network(found[1] if found else text)
        port = int(found[2]) if found and found[2] else None
    except ValueError as error:
        raise ValueError(
            f"{text!r} is no network: write 10.0.0.0/8, 10.1.2.3:8080 or [fd00::/8]:443"
        ) from error
    return Allowed(network, port)


def target_of(url: str) -> Target:
    """The parts of a URL that we would post to. Raises NotAllowed for what is no plain http or https address."""
    if len(url) > _LONGEST or any(
        ord(one) <= ord(" ") or ord(one) > ord("~") or one == "\\" for one in url
    ):
        raise NotAllowed("it has blanks, backslashes or characters beyond ASCII, or is too long")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NotAllowed("it is no URL") from error
    if parts.scheme not in {"http", "https"}:
        raise NotAllowed("only https addresses are posted to")
    if "@" in parts.netloc or "%" in parts.netloc or not parts.hostname:
        raise NotAllowed("it names a user, or no host")
    if ":" not in parts.hostname and not _NAME.match(parts.hostname):
        raise NotAllowed("its host is no name")
    if port == 0:
        raise NotAllowed("its port is none")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(
        parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), path
    )


def choose_address(target: Target, found: Iterable[str], allowed: Iterable[Allowed]) -> str:
    """The address to connect to. Raises NotAllowed when the name has none, or any that is not open to all.

    Every address is judged: one hostile answer among good ones would be the one that is used the next time.
    """
    addresses = [ip_address(one.partition("%")[0]) for one in found]
    if not addresses:
        raise NotAllowed("its host has no address")
    nets = tuple(allowed)
    if all(any(net.covers(one, target.port) for net in nets) for one in addresses):
        return str(addresses[0])
    if target.scheme != "https" or target.port not in PORTS:
        raise NotAllowed("only https on port 443 or 8443 is posted to")
    for one in addresses:
        if not is_public(one):
            raise NotAllowed(
                "its host is within a private network, and not in REDRESS_WEBHOOK_ALLOW"
            )
    return str(addresses[0])


def is_public(address: Address) -> bool:
    """Whether an address belongs to the open internet, and to nobody's machine or network."""
    if isinstance(address, IPv6Address) and address not in _GLOBAL_IPV6:
        return False
    return not any(address in network for network in _SPECIAL)
