"""email: a mail as it came (`message/rfc822`) becomes a complaint, more about one, a bounce, or is put aside.

Its sender cannot correct it: what cannot be read is kept and told to a person, never refused.
"""

import re
from dataclasses import replace
from email.message import Message
from typing import Any, Final

from services.intake.channels.email import mime
from services.intake.channels.email.automatic import automatic
from services.intake.channels.email.charset import decode
from services.intake.channels.email.headers import Headers, address_in, own_id
from services.intake.channels.email.quotes import reply_of
from services.intake.channels.email.reports import report_of
from services.intake.channels.email.trust import is_proven
from services.intake.channels.port import (
    LONGEST_SUBJECT,
    Outcome,
    Own,
    Payload,
    Quarantine,
    Reason,
    Reply,
    Submission,
    cut,
)
from shared.threads import threads_in

MEDIA_TYPE: Final = "message/rfc822"
_FORWARDED: Final = re.compile(r"\s*(?:fw|fwd|转发|轉寄|转寄|wg|tr)\s*[:：]", re.IGNORECASE)
_ONLY_FILES: Final = "（邮件没有正文，见附件）\n(The mail has no text: see its attachments.)"


def read(payload: Payload, own: Own) -> Outcome:
    """What a mail is. Never raises for what is in it."""
    content = payload.content
    id_ = own_id(Headers(Message()), content)
    try:
        mail = mime.parse(content)
        headers = Headers(mail)
        id_ = own_id(headers, content)
        return _judge(mail, headers, content, own=own, id_=id_)
    except mime.TooDeep:
        return Quarantine("too_deep", id_)
    except mime.TooManyParts:
        return Quarantine("too_many_parts", id_)
    except Exception:  # noqa: BLE001 - a mail is never lost for a mistake in reading it
        return Quarantine("unreadable", id_)


def read_as_written(payload: Payload, *, id_: str) -> Submission:
    """A mail that a person has looked at and takes for a complaint, whatever it looks like by itself. Never raises."""
    try:
        mail = mime.parse(payload.content)
        headers = Headers(mail)
        name, sender = _sender(headers)
        return _submission(headers, mime.content_of(mail), name=name, sender=sender, id_=id_)
    except Exception:  # noqa: BLE001 - what cannot be taken apart is taken as one text
        whole = "".join(
            sign for sign in decode(payload.content, None) if sign.isprintable() or sign in "\r\n\t"
        )
        text, is_cut, more = cut(whole.strip() or _ONLY_FILES, name="mail.txt")
        return Submission({"text": text, "external_id": id_, "truncated": is_cut}, more)


def _judge(mail: Message, headers: Headers, raw: bytes, *, own: Own, id_: str) -> Outcome:
    found = mime.content_of(mail)
    name, sender = _sender(headers)
    report = report_of(mail, headers, found, raw, own=own, id_=id_)
    if report is not None:
        return replace(report, sender=sender) if isinstance(report, Quarantine) else report
    reason: Reason | None = automatic(headers, own) or _nothing(headers, found)
    if reason is not None:
        return Quarantine(reason, id_, sender)
    thread = next(threads_in(own.key, headers.every("in-reply-to", "references")), None)
    is_proven_ = sender is not None and is_proven(headers, sender, own)
    submission = _submission(headers, found, name=name, sender=sender, id_=id_)
    if thread is None:
        return replace(submission, is_proven=own.authserv is not None and is_proven_)
    if sender is None or not is_proven_:
        return replace(submission, body={**submission.body, "unverified": True})
    return Reply(thread.number, sender, submission)


def _nothing(headers: Headers, found: mime.Content) -> Reason | None:
    has_any = found.text or found.files or found.inner or headers.text("subject")
    return None if has_any else "empty"


def _sender(headers: Headers) -> tuple[str | None, str | None]:
    for field in ("from", "reply-to", "sender"):
        name, address = address_in(headers.get(field))
        if address is not None:
            return name, address
    return address_in(headers.get("from"))[0], None


def _submission(
    headers: Headers, found: mime.Content, *, name: str | None, sender: str | None, id_: str
) -> Submission:
    subject = headers.text("subject")
    whole = found.text or _inner_text(found)
    written = whole if _FORWARDED.match(subject) else reply_of(whole)
    text, is_cut, more = cut(written or subject or _ONLY_FILES, name="mail.txt")
    contacts = [{"type": "email", "value": sender}] if sender else []
    body: dict[str, Any] = {
        "text": text,
        "external_id": id_,
        "truncated": is_cut,
        "complainant": {"name": name, "contacts": contacts},
    }
    if subject:
        body["subject"] = subject[:LONGEST_SUBJECT]
    return Submission(body, (*more, *found.files), sender=sender)


def _inner_text(found: mime.Content) -> str:
    """What was said in the mails that were forwarded whole, where nothing was written above them."""
    for inner in found.inner:
        within = mime.content_of(inner)
        if within.text:
            return within.text
    return ""
