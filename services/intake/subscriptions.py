"""What intake hears: nothing yet but the policy, which every process reads into memory."""

from typing import Final

from shared.bus.consume import Subscriptions

SUBSCRIPTIONS: Final[Subscriptions[None]] = {}
