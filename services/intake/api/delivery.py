"""Mails that come by themselves, over SMTP or out of a mailbox: taken in like those brought to the door by HTTP."""

from dataclasses import dataclass
from typing import Final

from services.intake.api.arriving import Arrival, TakenIn
from services.intake.api.door import program
from services.intake.api.gate import Gate
from services.intake.api.mailing import Kept, Mailing
from services.intake.channels.email import MEDIA_TYPE
from services.intake.channels.port import Payload
from services.intake.channels.table import TABLE
from shared.errors import Gone, Transient
from shared.service import Environment
from shared.web.credentials import Principal

CHANNEL: Final = TABLE["email"]
BY: Final = "channel/email"
"""Who brought a mail that nobody brought."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Takes mails in for units of ours, without a key: who may reach this may write mails."""

    environment: Environment
    mailing: Mailing
    gate: Gate

    async def take(self, raw: bytes, *, unit: str | None = None) -> str:
        """Take a mail in; returns what it was once that is stored. Raises Transient: it must come again."""
        if self.mailing.arrivals.database.is_paused:
            raise Transient("intake is held still by an operator")
        await self.gate.must_be_open()
        principal = self._principal(unit)
        arrival = Arrival(CHANNEL, Payload(raw, MEDIA_TYPE), principal, principal.unit)
        outcome = await self.mailing.arrivals.read(arrival)
        try:
            taken = await self.mailing.take(arrival, outcome)
        except Gone:
            return "erased"  # it came before, and its sender was erased since: it is not kept again
        if isinstance(taken, TakenIn):
            return "message" if taken.receipt.message_id else "complaint"
        return str(taken.row.outcome) if isinstance(taken, Kept) else "message"

    def _principal(self, unit: str | None) -> Principal:
        return program(
            self.environment.policy, BY,
            unit=unit, channel=CHANNEL.code, setting="REDRESS_MAIL_ADDRESSES",
        )  # fmt: skip
