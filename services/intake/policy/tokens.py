"""Keyed tokens: equal values have equal tokens, and without the key a token tells nothing."""

import hmac
import unicodedata
from dataclasses import dataclass
from typing import Final

_NOISE: Final = str.maketrans("", "", " \t\u3000-_\u2010\u2011\u2012\u2013\u2014\u2212")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Makes tokens with the matching key, each purpose apart from the others. HMAC-SHA256 in hex."""

    key: bytes

    def reference(self, name: str, value: str) -> str:
        """Of an order, account, meter, VIN, room … as `plain_reference` writes it."""
        return self._of("reference", name, plain_reference(value))

    def contact(self, kind: str, value: str) -> str:
        """Of a contact point in its normal form: the blind index of the vault."""
        return self._of("contact", kind, value.casefold())

    def matter(self, unit: str, contact: str, reference: str) -> str:
        """Of a contact point's token and a reference's together: one person about one thing, in one unit."""
        return self._digest(f"matter\0{unit}\0{contact}\0{reference}".encode())

    def external(self, external_id: str) -> str:
        """Of a channel's own id of a message: it may hold a mail address."""
        return self._of("external", "", external_id)

    def fingerprint(self, body: bytes) -> str:
        """What tells two bodies apart."""
        return self._digest(b"fingerprint\0\0" + body)

    def _of(self, purpose: str, name: str, value: str) -> str:
        return self._digest(f"{purpose}\0{name}\0{value}".encode())

    def _digest(self, value: bytes) -> str:
        return hmac.digest(self.key, value, "sha256").hex()


def plain_reference(value: str) -> str:
    """A reference as it is compared: upper case, full-width forms narrowed, without spaces and dashes."""
    plain = value if value.isascii() else unicodedata.normalize("NFKC", value)
    return plain.translate(_NOISE).upper()
