"""letter: a letter as staff registered it: when it was written and came, under which number, with its scans."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from services.intake.channels.fields import ExternalId, Text100, Time
from services.intake.channels.form import read_form
from services.intake.channels.port import Own, Payload, Submission, cut
from shared.web.body import FilledText, invalid

EXAMPLE: Final[Mapping[str, Any]] = {
    "register_no": "来信-2026-0117",
    "arrived_at": "2026-03-03T09:00:00+08:00",
    "postmark": "杭州 2026-03-01",
    "text": "贵公司换表后我家电费多了一倍，请校表并退还多收的钱。",
    "complainant": {
        "name": "陈志远",
        "contacts": [{"type": "address", "value": "杭州市西湖区文三路1号"}],
    },
}


class Letter(BaseModel):
    """What is registered of a letter; what else a complaint may have stands beside it."""

    register_no: ExternalId
    arrived_at: Time | None = None
    postmark: Text100 | None = None
    text: FilledText


def read(payload: Payload, _: Own) -> Submission:
    """The complaint in a letter. Raises Malformed or Invalid."""
    form = read_form(payload)
    try:
        letter = Letter.model_validate(form.body)
    except ValidationError as error:
        raise invalid(error) from error
    text, is_cut, whole = cut(letter.text, name="letter.txt")
    body = {name: value for name, value in form.body.items() if name not in Letter.model_fields}
    body |= {"text": text, "truncated": is_cut, "external_id": letter.register_no}
    return Submission(body, (*form.files, *whole), form.original)
