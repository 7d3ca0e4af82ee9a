"""regulator: what an authority passes on (12345, 12315, 12398, a 95598 return, an ombudsman): its number and deadline.

The same number of the same authority is the same complaint, however often it is passed on.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from services.intake.channels.fields import Authority, CaseNumber, DueTime
from services.intake.channels.form import read_form
from services.intake.channels.port import Own, Payload, Submission, cut
from shared.web.body import FilledText, invalid

EXAMPLE: Final[Mapping[str, Any]] = {
    "authority": "12345",
    "case_number": "HZ2026030300117",
    "due_at": "2026-03-10T17:00:00+08:00",
    "text": "市民反映某小区停电未通知，要求说明原因。",
    "complainant": {"name": "陈志远", "contacts": [{"type": "phone", "value": "+8613800138000"}]},
}


class Forwarded(BaseModel):
    """What an authority says of what it passes on; what else a complaint may have stands beside it."""

    authority: Authority
    case_number: CaseNumber
    due_at: DueTime | None = None
    text: FilledText


def read(payload: Payload, _: Own) -> Submission:
    """The complaint that was passed on. Raises Malformed or Invalid."""
    form = read_form(payload)
    try:
        said = Forwarded.model_validate(form.body)
    except ValidationError as error:
        raise invalid(error) from error
    text, is_cut, whole = cut(said.text, name="forwarded.txt")
    body = {name: value for name, value in form.body.items() if name not in Forwarded.model_fields}
    due_at = said.due_at.isoformat() if said.due_at else None
    body |= {
        "text": text,
        "truncated": is_cut,
        "external_id": f"{said.authority}/{said.case_number}",
        "regulator": {"authority": said.authority, "number": said.case_number, "due_at": due_at},
    }
    return Submission(body, (*form.files, *whole), form.original)
