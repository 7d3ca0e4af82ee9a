"""What is said of imports, and answered."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from services.intake.channels.fields import DueTime, Text200

Kind = Literal["complaints", "history", "customers"]


class MappingIn(BaseModel):
    """Which column is which field; `-` leaves a column out."""

    columns: Annotated[dict[str, Annotated[str, Field(max_length=60)]], Field(max_length=200)]


class HistoryIn(BaseModel):
    """The own times of a complaint of the past, and how it ended."""

    received_at: DueTime
    closed_at: DueTime | None = None
    outcome: Text200 | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> "HistoryIn":
        if self.closed_at is not None and self.closed_at < self.received_at:
            raise PydanticCustomError("closed_at", "closed_at is before received_at")
        return self


class ImportOut(BaseModel):
    """How far an import is: `waiting`, `done`, or `failed` with `detail`; counts of rows, `last_row` in the file."""

    id: str
    unit: str
    kind: str
    is_dry: bool
    state: str
    last_row: int
    done: int
    taken: int
    known: int
    refused: int
    detail: dict[str, str] | None = None
    created_at: datetime
    changed_at: datetime


class RefusedRow(BaseModel):
    """A row that was not taken, and why."""

    row: int
    errors: list[dict[str, str]]
