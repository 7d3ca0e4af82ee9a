"""The loops: messages by their channels, webhooks, bulletins spread to an incident's members, digests for staff."""

from services.notify.sender.bulletins import Spreader
from services.notify.sender.digests import Digester
from services.notify.sender.loop import AT_ONCE, CLAIM, Sender
from services.notify.sender.webhooks import Deliverer

__all__ = ["AT_ONCE", "CLAIM", "Deliverer", "Digester", "Sender", "Spreader"]
