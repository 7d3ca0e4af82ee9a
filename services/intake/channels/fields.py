"""Types of fields that several payloads have."""

from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from shared.masking import mask_text
from shared.web.body import CleanText, FilledText


def _rfc3339(value: object) -> object:
    if not isinstance(value, str) or "T" not in value.upper():
        raise PydanticCustomError(
            "datetime_parsing", "is no RFC 3339 time such as 2026-01-05T09:00:00+08:00"
        )
    return value


def _case_number(value: str) -> str:
    # It goes into events in clear, so it must be none of what is masked there.
    if mask_text(value) != value:
        raise PydanticCustomError("case_number", "reads as a phone, a card or an id of a person")
    return value


def _near(value: datetime) -> datetime:
    if not NEAR[0] <= value.year <= NEAR[1]:
        raise PydanticCustomError("due_at", "is no time that anybody means")
    return value


NEAR: Final = (2000, 2100)
Authority = Literal["12345", "12315", "12398", "95598", "ombudsman", "other"]
CaseNumber = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9\u4e00-\u9fff\-_/.()（）\[\]〔〕]{3,60}$"),
    AfterValidator(_case_number),
]
Time = Annotated[AwareDatetime, BeforeValidator(_rfc3339)]
DueTime = Annotated[Time, AfterValidator(_near)]
Text2k = Annotated[CleanText, Field(max_length=2_000)]
Text200 = Annotated[CleanText, Field(max_length=200)]
Text100 = Annotated[CleanText, Field(max_length=100)]
ExternalId = Annotated[FilledText, Field(max_length=255)]
