"""The operator's file of channels (`REDRESS_CHANNELS`): read, checked, and every fault named with its place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.notify.channels.fill import places
from services.notify.channels.gateway import Description, Receipts, Signing, Test
from services.notify.channels.wechat import Form
from services.notify.model import Form as Shape
from services.notify.model import Traits
from shared.setting_files import read_described, read_secret

SETTING: Final = "REDRESS_CHANNELS"
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,19}$")]
ContactType = Literal["phone", "email", "wechat", "wecom", "webhook", "address"]
PLACES: Final = frozenset(
    ("id", "to", "subject", "body", "number", "language", "template", "params", "seconds", "milliseconds")
)  # fmt: skip


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Described(_Part):
    """What every channel may say of itself; what is left out is as usual for its type."""

    name: Name
    form: Shape | None = None
    limit: int | None = Field(default=None, ge=40, le=100_000)
    rings: bool | None = None
    repeats: bool | None = None
    at_once: int = Field(default=4, ge=1, le=64)
    rate: float | None = Field(default=None, gt=0)

    def traits(self, usual: Traits) -> Traits:
        """Its traits over those of its type."""
        return Traits(
            contact=usual.contact,
            form=self.form or usual.form,
            limit=self.limit or usual.limit,
            rings=usual.rings if self.rings is None else self.rings,
            repeats=usual.repeats if self.repeats is None else self.repeats,
            by_person=usual.by_person,
            at_once=self.at_once,
            rate=self.rate or usual.rate,
            units=usual.units,
        )


class TestIn(_Part):
    path: str
    equals: tuple[str | int, ...] = Field(min_length=1)

    def to_test(self) -> Test:
        return Test(self.path, tuple(map(str, self.equals)))


class SigningIn(_Part):
    into: str = Field(pattern=r"^(header|query|body)\.[\w-]+$")
    over: str
    secret: str
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"

    def to_signing(self, secrets: Mapping[str, str]) -> Signing:
        return Signing(self.into, self.over, secrets[self.secret], self.algorithm, self.encoding)


class ReceiptsIn(_Part):
    id: str
    status: str
    delivered: tuple[str | int, ...]
    failed: tuple[str | int, ...]
    each: str = ""
    answer: str = ""

    def to_receipts(self) -> Receipts:
        delivered, failed = tuple(map(str, self.delivered)), tuple(map(str, self.failed))
        return Receipts(self.id, self.status, delivered, failed, self.each, self.answer)


class HttpIn(Described):
    """A provider with an HTTP interface. `secrets` are files, by the name they have in placeholders."""

    type: Literal["http"]
    contact: ContactType = "phone"
    url: str = Field(pattern=r"^https?://")
    method: Literal["GET", "POST", "PUT"] = "POST"
    headers: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    json_body: Any = Field(default=None, alias="json")
    form_body: Mapping[str, str] | None = Field(default=None, alias="fields")
    signing: SigningIn | None = None
    success: TestIn | None = None
    id: str = ""
    later: TestIn | None = None
    refused: TestIn | None = None
    receipts: ReceiptsIn | None = None
    templates: Mapping[str, str] = {}
    secrets: Mapping[str, Path] = {}

    @model_validator(mode="after")
    def _knows_its_places(self) -> "HttpIn":
        used = places([self.url, self.headers, self.query, self.json_body, self.form_body or {}])
        used |= places(self.signing.over) if self.signing else set()
        strange = {
            one for one in used if one not in PLACES and not one.startswith(("value.", "secret."))
        }
        strange |= {
            f"secret.{one[7:]}"
            for one in used
            if one.startswith("secret.") and one[7:] not in self.secrets
        }
        if self.signing and self.signing.secret not in self.secrets:
            strange.add(f"secret.{self.signing.secret}")
        if strange:
            raise ValueError(
                f"there is no {{{min(strange)}}}: use {', '.join(sorted(PLACES))}, value.NAME, or secret.NAME of `secrets`"
            )
        return self

    def describe(self, folder: Path) -> Description:
        """As the channel needs it, with the secrets read."""
        secrets = {
            name: channel_secret(folder / file, self.name) for name, file in self.secrets.items()
        }
        return Description(
            url=self.url, method=self.method, headers=self.headers, query=self.query, json=self.json_body,
            form=self.form_body, id=self.id, templates=self.templates, secrets=secrets,
            signing=self.signing.to_signing(secrets) if self.signing else None,
            success=self.success.to_test() if self.success else None,
            later=self.later.to_test() if self.later else None,
            refused=self.refused.to_test() if self.refused else None,
            receipts=self.receipts.to_receipts() if self.receipts else None,
        )  # fmt: skip


class FormIn(_Part):
    id: str
    fields: Mapping[str, str]

    def to_form(self) -> Form:
        return Form(self.id, self.fields)


class WechatIn(Described):
    type: Literal["wechat_account"]
    app: str
    secret: Path
    url: str = "https://api.weixin.qq.com"
    templates: Mapping[str, FormIn] = {}


class WecomIn(Described):
    type: Literal["wecom_app"]
    corp: str
    agent: int
    secret: Path
    url: str = "https://qyapi.weixin.qq.com"


class RobotIn(Described):
    """A robot's address is a secret: a file holds it. `units` are those whose staff read the group."""

    type: Literal["wecom_robot", "dingtalk_robot", "feishu_robot"]
    url: Path
    secret: Path | None = None
    units: tuple[str, ...] = Field(min_length=1)


class OfferIn(Described):
    """An adapter fetches its messages (`outgoing`), or a person calls (`call`)."""

    type: Literal["outgoing", "call"]
    contact: ContactType = "phone"


class WebhookIn(Described):
    """Posts to the address that a person (mostly a firm) gave as their contact point."""

    type: Literal["webhook"]


AnyIn = Annotated[
    HttpIn | WechatIn | WecomIn | RobotIn | OfferIn | WebhookIn, Field(discriminator="type")
]


class File(_Part):
    channels: tuple[AnyIn, ...]

    @model_validator(mode="after")
    def _names_differ(self) -> "File":
        names = [one.name for one in self.channels]
        taken = {one for one in names if names.count(one) > 1} | (
            {"email", "desk", "none"} & set(names)
        )
        if taken:
            raise ValueError(f"the name {min(taken)} is taken: give each channel one of its own")
        return self


def read_file(path: Path) -> File:
    """The channels in a file. Raises SettingsError that names file, channel and field."""
    return read_described(SETTING, path, File)


def channel_secret(path: Path, channel: str) -> str:
    """A secret of a channel from its file. Raises SettingsError."""
    return read_secret(f"{SETTING}: channel {channel}", path)
