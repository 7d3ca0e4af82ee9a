"""Sealing: AES-256-GCM (NIST SP 800-38D) under one data key a complainant, wrapped by the vault's key.

What is sealed is bound to its owner and field, so that it opens nowhere else. Keys and nonces are drawn by the caller.
"""

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import Poison

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


class SealBroken(Poison):
    """It was sealed under another key, for another owner or field, or was changed."""


class Box:
    """Seals and opens the fields of one owner."""

    def __init__(self, key: bytes, *, owner: str) -> None:
        self._cipher = AESGCM(key)
        self._owner = owner

    def seal(self, field: str, plain: bytes, *, nonce: bytes) -> bytes:
        """The nonce and the sealed bytes. A nonce must never be used twice under one key."""
        return nonce + self._cipher.encrypt(nonce, plain, self._bound(field))

    def open(self, field: str, sealed: bytes) -> bytes:
        """What was sealed. Raises SealBroken."""
        try:
            return self._cipher.decrypt(
                sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._bound(field)
            )
        except (InvalidTag, ValueError) as error:
            raise SealBroken(
                f"the seal of {field} of {self._owner} is broken: is REDRESS_VAULT_KEY the one it was sealed with?"
            ) from error

    def _bound(self, field: str) -> bytes:
        return f"{self._owner}\0{field}".encode()


class Vault:
    """Wraps data keys with the vault's key and opens the boxes of their owners."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def wrap(self, data_key: bytes, *, owner: str, nonce: bytes) -> bytes:
        """A data key as it may be stored."""
        return nonce + self._cipher.encrypt(nonce, data_key, f"{owner}\0data_key".encode())

    def box(self, wrapped: bytes, *, owner: str) -> Box:
        """The box of an owner, by its wrapped data key. Raises SealBroken."""
        return Box(self.unwrap(wrapped, owner=owner), owner=owner)

    def unwrap(self, wrapped: bytes, *, owner: str) -> bytes:
        """The data key itself. Raises SealBroken."""
        try:
            return self._cipher.decrypt(
                wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], f"{owner}\0data_key".encode()
            )
        except (InvalidTag, ValueError) as error:
            raise SealBroken(
                f"the data key of {owner} does not open: is REDRESS_VAULT_KEY the one it was wrapped with?"
            ) from error
