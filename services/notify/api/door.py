"""What every route of notify is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query

from services.notify.channels import Channel
from services.notify.channels.vault import Vault
from services.notify.usecases import Notify
from shared.service import Environment
from shared.store.database import Database

After = Annotated[str | None, Query(max_length=500)]
Number = Annotated[str | None, Query(max_length=13)]


@dataclass(frozen=True, slots=True)
class Door:
    """The service as its routes need it."""

    environment: Environment
    database: Database
    notify: Notify
    vault: Vault
    channels: Mapping[str, Channel]
