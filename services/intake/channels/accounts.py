"""The operator's file of accounts that platforms call us for (`REDRESS_CALLBACKS`): read, and every fault named."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.intake.channels.wechat import Envelope
from shared.setting_files import read_described, read_secret
from shared.settings import SettingsError

SETTING = "REDRESS_CALLBACKS"
KEY_CHARACTERS = 43


@dataclass(frozen=True, slots=True)
class Account:
    """An official account or a company's app: its name in our address, the channel, the unit, and its secrets."""

    name: str
    channel: Literal["wechat", "wecom"]
    unit: str | None
    envelope: Envelope


class _AccountIn(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
    platform: Literal["wechat", "wecom"]
    receiver: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{4,64}$")]
    unit: str | None = None
    token_file: Path
    aes_key_file: Path


class _FileIn(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    accounts: tuple[_AccountIn, ...]


def read_accounts(file: Path) -> Mapping[str, Account]:
    """The accounts by name; paths in the file are relative to it. Raises SettingsError that names the place."""
    said = read_described(SETTING, file, _FileIn)
    found: dict[str, Account] = {}
    for one in said.accounts:
        if one.name in found:
            raise SettingsError(f"{SETTING}: {file}: there are two accounts {one.name!r}.")
        found[one.name] = Account(one.name, one.platform, one.unit, _envelope(one, file))
    return found


def _envelope(said: _AccountIn, file: Path) -> Envelope:
    token = read_secret(SETTING, file.parent / said.token_file)
    text = read_secret(SETTING, file.parent / said.aes_key_file)
    try:
        key = base64.b64decode(text + "=") if len(text) == KEY_CHARACTERS else b""
    except binascii.Error:
        key = b""
    if not key:
        raise SettingsError(
            f"{said.aes_key_file} must hold the EncodingAESKey of {said.name!r}: {KEY_CHARACTERS} letters and digits."
        )
    return Envelope(token, key, said.receiver)
