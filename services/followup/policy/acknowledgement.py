"""Which messages tell the customer that we have the complaint."""

from typing import Final

from shared.contracts.notify import MessageBody

PREFIX: Final = "acknowledgement"
ALSO: Final = frozenset({"praise_reply", "reopened"})
"""Praise is answered by thanks; a reopened case is acknowledged by saying that it is open again."""


def acknowledges(message: MessageBody, *, is_failed: bool) -> bool:
    """Whether a message, or that it could go nowhere, counts as the acknowledgement of its cycle."""
    if message.recipient != "complainant" or (is_failed and message.reason != "no_contact"):
        return False
    return message.template.startswith(PREFIX) or message.template in ALSO
