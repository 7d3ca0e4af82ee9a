"""What happens to every posted complaint between its bytes and its place in the next commit."""

from dataclasses import dataclass

from services.intake.api.bodies import ComplaintIn
from services.intake.model import Claim, Complaint, Draft, Receipt, Reception
from services.intake.policy.normalise import normalise
from services.intake.policy.seal import Vault
from services.intake.policy.tokens import Tokens
from services.intake.usecases.receive import Origin, prepare, receive
from shared.errors import FieldError, Forbidden, Invalid
from shared.service import Environment
from shared.store.batch import Batcher
from shared.web.credentials import Principal

DEFAULT_CHANNEL = "web"


@dataclass(frozen=True, slots=True)
class Door:
    """Takes complaints in for one process."""

    environment: Environment
    batcher: Batcher[Reception, Receipt]
    vault: Vault
    tokens: Tokens

    def normal(self, body: ComplaintIn, principal: Principal) -> Complaint:
        """The complaint in its normal form. Raises Invalid, NotFound or Forbidden."""
        draft = body.to_draft()
        return normalise(
            draft,
            unit=self._unit(draft, principal),
            channel=channel_for(draft.channel, principal),
            now=self.environment.clock.now(),
            tokens=self.tokens,
        )

    async def take(
        self,
        body: ComplaintIn,
        principal: Principal,
        *,
        original: bytes,
        key: str | None,
        purpose: str = "complaints",
    ) -> Receipt:
        """Take a complaint in; returns after its commit."""
        complaint = self.normal(body, principal)
        now = self.environment.clock.now()
        pack, version = self.environment.policy.in_force(complaint.unit, now)
        origin = Origin(
            by=principal.id,
            units=principal.units,
            pack=pack,
            pack_version=version,
            claims=self._claims(body, complaint, principal, key, purpose),
            received_at=now,
        )
        ready = prepare(complaint, origin, original=original, vault=self.vault, tokens=self.tokens)
        return await receive(ready, self.batcher)

    def external_scope(self, unit: str, channel: str) -> str:
        """Where a channel's own ids are unique."""
        return f"external/{unit}/{channel}"

    def _unit(self, draft: Draft, principal: Principal) -> str:
        unit = draft.unit
        if unit is None:
            return principal.unit
        if unit not in self.environment.policy.units:
            raise Invalid(
                "Some fields are wrong: see errors.", zh="部分字段不正确,见 errors。",
                errors=[FieldError("unit", "unknown", "is no unit", "没有该单位")],
            )  # fmt: skip
        principal.must_reach(unit, "the unit")
        return unit

    def _claims(
        self,
        body: ComplaintIn,
        complaint: Complaint,
        principal: Principal,
        key: str | None,
        purpose: str,
    ) -> tuple[Claim, ...]:
        if key is None and body.external_id is None:
            return ()
        fingerprint = self.tokens.fingerprint(body.model_dump_json(exclude_defaults=True).encode())
        claims = []
        if key is not None:
            claims.append(Claim(f"{principal.id}/{purpose}", key, fingerprint))
        if body.external_id is not None:
            scope = self.external_scope(complaint.unit, complaint.channel)
            claims.append(
                Claim(scope, self.tokens.external(body.external_id), fingerprint, is_external=True)
            )
        return tuple(claims)


def channel_for(asked: str | None, principal: Principal) -> str:
    """The channel asked for, the key's, or `web`. Raises Forbidden when the key is bound to another."""
    if principal.channel is not None:
        if asked not in (None, principal.channel):
            raise Forbidden(
                f"Your key is for the channel {principal.channel} only.",
                zh=f"您的密钥仅限渠道 {principal.channel}。",
                errors=[
                    FieldError(
                        "channel",
                        "bound",
                        f"must be {principal.channel}",
                        f"只能是 {principal.channel}",
                    )
                ],
            )
        return principal.channel
    return asked or DEFAULT_CHANNEL
