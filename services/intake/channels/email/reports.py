"""Reports about mails: not delivered (RFC 3464), called abuse (RFC 5965), displayed (RFC 8098)."""

import re
from email.message import Message
from typing import Final

from services.intake.channels.email.headers import Headers, address_in
from services.intake.channels.email.mime import Content, payload_of
from services.intake.channels.port import Bounce, Own, Quarantine
from shared.threads import threads_in

_FIELD: Final = re.compile(r"^(action|status)\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_STATUS: Final = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_DAEMON: Final = re.compile(r"(?:mailer-daemon|postmaster|mail-daemon|mdaemon)@", re.IGNORECASE)
_DAEMON_SUBJECT: Final = re.compile(
    r"undeliver|delivery (?:status|failure|has failed)|failure notice|returned mail|mail delivery failed|退信|无法送达|系统退信"
    r"|delivery notification|could not be delivered|non remis|unzustellbar",
    re.IGNORECASE,
)
_KINDS: Final = {"failed": "undelivered", "delayed": "delayed"}
_LOOKED_AT: Final = 256 * 1024


def report_of(
    mail: Message, headers: Headers, content: Content, raw: bytes, *, own: Own, id_: str
) -> Bounce | Quarantine | None:
    """What a mail reports; None when it is no report."""
    kinds = {one.get_content_type(): one for one in content.parts}
    thread = next(threads_in(own.key, raw[:_LOOKED_AT].decode("latin-1")), None)
    number, message = (thread.number, thread.message) if thread else (None, None)
    if "message/feedback-report" in kinds:
        return Bounce("abuse", id_, number=number, message=message)
    if "message/disposition-notification" in kinds:
        return Quarantine("receipt", id_)
    status = kinds.get("message/delivery-status")
    if status is not None:
        action, code = _status(status)
        kind = _KINDS.get(action, "undelivered" if code[:1] in ("", "5") else "delivered")
        if kind == "delivered":
            return Quarantine("receipt", id_)
        found: Bounce = Bounce(
            "delayed" if kind == "delayed" else "undelivered", id_, code or None, number, message
        )
        return found
    if _is_report(mail, headers):
        return Bounce("undelivered", id_, _code_in(raw), number, message)
    return None


def _is_report(mail: Message, headers: Headers) -> bool:
    """Whether it is a report in a form of its program's own."""
    _, sender = address_in(headers.get("from"))
    if mail.get_content_type() == "multipart/report":
        return True
    is_from_daemon = bool(_DAEMON.match(sender or "")) or headers.get("return-path") == "<>"
    return is_from_daemon and bool(_DAEMON_SUBJECT.search(headers.text("subject")))


def _status(part: Message) -> tuple[str, str]:
    """The first failed recipient's action and status, else the first one's."""
    payload = part.get_payload()
    if isinstance(payload, list):
        text = "\n\n".join(str(one) for one in payload)
    else:
        text = payload_of(part).decode("latin-1")
    found = [(name.lower(), value.lower()) for name, value in _FIELD.findall(text)]
    actions = [value for name, value in found if name == "action"]
    codes = [value for name, value in found if name == "status" and _STATUS.fullmatch(value)]
    action = "failed" if "failed" in actions else (actions or [""])[0]
    worst = next((one for one in codes if one.startswith("5")), (codes or [""])[0])
    return action, worst


def _code_in(raw: bytes) -> str | None:
    match = re.search(rb"\b5\.\d{1,3}\.\d{1,3}\b", raw[:_LOOKED_AT])
    return match[0].decode() if match else None
