"""phone: the record of a call. What was said is the complaint; who took it, when, and the recording stay with it."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from services.intake.channels.fields import ExternalId, Text2k, Text100, Time
from services.intake.channels.form import read_form
from services.intake.channels.port import LONGEST_SUBJECT, Own, Payload, Submission, cut
from shared.web.body import CleanText, invalid

LONGEST_TRANSCRIPT: Final = 1_000_000
EXAMPLE: Final[Mapping[str, Any]] = {
    "call_id": "call-20260303-0117",
    "agent": "1024",
    "caller": "+8613800138000",
    "started_at": "2026-03-03T10:00:00+08:00",
    "ended_at": "2026-03-03T10:06:30+08:00",
    "recording_url": "https://recordings.example.com/call-20260303-0117",
    "transcript": "坐席：您好。\n客户：买的净水器显示签收，可我一直没收到，要求退款。",
    "summary": "显示签收但未收到货，要求退款",
    "complainant": {"name": "邓佳"},
    "references": {"order": "E20261109331"},
}


class CallRecord(BaseModel):
    """What a call centre knows of a call; what else a complaint may have stands beside it."""

    call_id: ExternalId
    agent: Text100 | None = None
    caller: Annotated[CleanText, Field(max_length=40)] | None = None
    started_at: Time | None = None
    ended_at: Time | None = None
    recording_url: Annotated[Text2k, StringConstraints(pattern=r"^https://\S+$")] | None = None
    transcript: Annotated[CleanText, Field(max_length=LONGEST_TRANSCRIPT)] | None = None
    summary: Text2k | None = None
    text: CleanText | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> "CallRecord":
        if self.started_at and self.ended_at and self.ended_at < self.started_at:
            raise PydanticCustomError("ended_at", "ended_at is before started_at")
        if not self.said:
            raise PydanticCustomError("missing", "say something in text, transcript or summary")
        return self

    @property
    def said(self) -> str:
        """What the complaint is: as the agent wrote it, else as it was said, else in short."""
        return next(
            (one for one in (self.text, self.transcript, self.summary) if one and one.strip()), ""
        )


def read(payload: Payload, _: Own) -> Submission:
    """The complaint in a call record. Raises Malformed or Invalid."""
    form = read_form(payload)
    try:
        call = CallRecord.model_validate(form.body)
    except ValidationError as error:
        raise invalid(error) from error
    text, is_cut, whole = cut(call.said, name="transcript.txt")
    body = {name: value for name, value in form.body.items() if name not in CallRecord.model_fields}
    body |= {"text": text, "truncated": is_cut, "external_id": call.call_id}
    if call.summary and call.summary.strip() and call.summary != call.said:
        body.setdefault("subject", call.summary[:LONGEST_SUBJECT])
    if call.caller:
        body["complainant"] = _with_caller(body.get("complainant"), call.caller)
    return Submission(body, (*form.files, *whole), form.original)


def _with_caller(complainant: object, caller: str) -> object:
    """The complainant with the number that called, unless it is named already."""
    said = complainant if isinstance(complainant, Mapping) else {}
    contacts = said.get("contacts", [])
    if (complainant is not None and not said) or not isinstance(contacts, list):
        return complainant  # wrong, and told so by the check of the complaint
    contact = {"type": "phone", "value": caller}
    return {**said, "contacts": contacts if contact in contacts else [*contacts, contact]}
