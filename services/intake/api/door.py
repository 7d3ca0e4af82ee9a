"""What happens to every posted complaint between its bytes and its place in the next commit."""

from dataclasses import dataclass, field, replace

from services.intake.api.bodies import ComplaintIn
from services.intake.model import Claim, Complaint, Draft, Receipt, Reception
from services.intake.policy.normalise import normalise
from services.intake.policy.questions import common, missing
from services.intake.policy.seal import Vault
from services.intake.policy.tokens import Tokens
from services.intake.usecases.receive import Origin, prepare, receive
from shared.errors import FieldError, Forbidden, Invalid, NotHereYet
from shared.packs.model import Fact
from shared.policy import Policy
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
    asked: dict[tuple[str, str], tuple[Fact, ...]] = field(default_factory=dict)
    """What each pack and version asks of every complaint."""

    def normal(self, body: ComplaintIn, principal: Principal) -> Complaint:
        """The complaint in its normal form. Raises Invalid, NotFound or Forbidden."""
        draft = body.to_draft()
        channel = channel_for(draft.channel, principal)
        _must_be_its_own(draft, channel)
        return normalise(
            draft,
            unit=self._unit(draft, principal),
            channel=channel,
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
        fingerprint: str | None = None,
    ) -> Receipt:
        """Take a complaint in; returns after its commit. `fingerprint` tells two bodies apart; default: the body's."""
        ready = self.ready(
            body, principal, original=original, key=key, purpose=purpose, fingerprint=fingerprint
        )
        return await receive(ready, self.batcher)

    def ready(
        self,
        body: ComplaintIn,
        principal: Principal,
        *,
        original: bytes,
        key: str | None,
        purpose: str = "complaints",
        fingerprint: str | None = None,
    ) -> Reception:
        """The complaint as it is written. Raises Rejected, or NotHereYet without its unit's pack."""
        complaint = self.normal(body, principal)
        now = self.environment.clock.now()
        pack, version = self.environment.policy.in_force(complaint.unit, now)
        asked = missing(complaint, self._common(pack, version))
        complaint = replace(complaint, missing=tuple(fact.id for fact in asked))
        origin = Origin(
            by=principal.id,
            units=principal.units,
            pack=pack,
            pack_version=version,
            claims=self._claims(body, complaint, principal, key, purpose, fingerprint),
            received_at=now,
        )
        return prepare(complaint, origin, original=original, vault=self.vault, tokens=self.tokens)

    def questions(self, complaint: Complaint) -> list[dict[str, object]]:
        """What would be asked of whoever posted it, in Chinese and English."""
        now = self.environment.clock.now()
        asked = self._common(*self.environment.policy.in_force(complaint.unit, now))
        return [
            {"id": fact.id, "ask": {"zh": fact.ask.zh, "en": fact.ask.en}}
            for fact in missing(complaint, asked)
        ]

    def _common(self, pack: str, version: str) -> tuple[Fact, ...]:
        found = self.asked.get((pack, version))
        if found is None:
            found = common(self.environment.policy.pack(pack, version))
            self.asked[pack, version] = found
        return found

    def fingerprint(self, body: ComplaintIn) -> str:
        """What tells a body from others."""
        return self.tokens.fingerprint(body.model_dump_json(exclude_defaults=True).encode())

    def external_scope(self, unit: str, channel: str) -> str:
        """Where a channel's own ids are unique."""
        return f"external/{unit}/{channel}"

    def _unit(self, draft: Draft, principal: Principal) -> str:
        return principal.unit if draft.unit is None else self.unit_for(draft.unit, principal)

    def unit_for(self, unit: str, principal: Principal) -> str:
        """A unit that was named. Raises Invalid where there is none, NotFound out of reach."""
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
        fingerprint: str | None,
    ) -> tuple[Claim, ...]:
        if key is None and body.external_id is None:
            return ()
        if fingerprint is None:
            fingerprint = self.fingerprint(body)
        claims = []
        if key is not None:
            claims.append(Claim(f"{principal.id}/{purpose}", key, fingerprint))
        if body.external_id is not None:
            scope = self.external_scope(complaint.unit, complaint.channel)
            claims.append(
                Claim(scope, self.tokens.external(body.external_id), fingerprint, is_external=True)
            )
        return tuple(claims)


def _must_be_its_own(draft: Draft, channel: str) -> None:
    """Raise Invalid where another channel than the regulators' own speaks for one: it would set deadlines.

    And where another than social speaks of a post: it would pass for public.
    """
    if draft.post is not None and channel != "social":
        raise Invalid(
            "Some fields are wrong: see errors.", zh="部分字段不正确，见 errors。",
            errors=[FieldError("post", "channel", "is for the channel social only", "仅限渠道 social")],
        )  # fmt: skip
    if draft.regulator is not None and channel != "regulator":
        raise Invalid(
            "Some fields are wrong: see errors.", zh="部分字段不正确，见 errors。",
            errors=[
                FieldError("regulator", "channel", "is for the channel regulator only", "仅限渠道 regulator")
            ],
        )  # fmt: skip


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


def program(
    policy: Policy, name: str, *, unit: str | None, channel: str, setting: str
) -> Principal:
    """Who takes in what a setting of the operator's brings, for its unit (None: the root). Raises NotHereYet."""
    if not policy.units:
        raise NotHereYet("the policy has not been read yet")
    own = unit or policy.root
    if own not in policy.units:
        raise NotHereYet(f"there is no unit {own!r} yet: see {setting}")
    return Principal(
        name, "service", own, frozenset({"intake:write"}), channel, units=policy.subtree(own)
    )


def many_brought_by(principal: Principal) -> Principal:
    """Who brings many at once: a supervisor or a key. Raises Forbidden."""
    if principal.role in ("handler", "watch"):
        raise Forbidden(
            "Only a supervisor or a key may bring many at once, or write customers' details.",
            zh="批量导入和客户资料由主管或系统接口维护。",
        )
    return principal
