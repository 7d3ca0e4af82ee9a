"""Mails that no person wrote: automatic replies (RFC 3834), loops, lists, receipts."""

import re
from typing import Final

from services.intake.channels.email.headers import Headers, address_in
from services.intake.channels.port import Own, Reason
from shared.threads import threads_in

_REPLY_HEADERS: Final = (
    "x-autoreply",
    "x-autorespond",
    "x-auto-reply",
    "x-autoresponse",
    "x-mail-autoreply",
)
_REPLY_SUBJECT: Final = re.compile(
    r"\s*(?:自动回复|自動回覆|自动答复|automatic reply|auto[- ]?reply|autoreply|out of (?:the )?office|abwesenheit)\s*[:：]",
    re.IGNORECASE,
)
_PRECEDENCE: Final[dict[str, Reason]] = {
    "auto_reply": "auto_reply", "bulk": "automatic", "junk": "automatic", "list": "mailing_list",
}  # fmt: skip
OWN_HEADER: Final = "x-redress-number"


def automatic(headers: Headers, own: Own) -> Reason | None:
    """Why a mail opens no case; None where a person may have written it."""
    if _is_ours(headers, own):
        return "loop"
    submitted = headers.get("auto-submitted").partition(";")[0].strip().lower()
    if submitted not in ("", "no"):
        return "auto_reply" if submitted == "auto-replied" else "automatic"
    if any(headers.get(one) for one in _REPLY_HEADERS) or _REPLY_SUBJECT.match(
        headers.text("subject")
    ):
        return "auto_reply"
    if headers.get("return-path") == "<>":
        return "automatic"
    return _by_precedence(headers, own)


def _is_ours(headers: Headers, own: Own) -> bool:
    _, sender = address_in(headers.get("from"))
    looped = headers.get("x-loop").lower()
    return (
        bool(headers.get(OWN_HEADER))
        or any(threads_in(own.key, headers.get("message-id")))
        or (sender or "").lower() in own.addresses
        or any(one in looped for one in own.addresses)
    )


def _by_precedence(headers: Headers, own: Own) -> Reason | None:
    found = _PRECEDENCE.get(headers.get("precedence").lower())
    # A list may be how mails reach us: then its members are our complainants.
    by_our_list = any(one in headers.get("list-post").lower() for one in own.addresses)
    return None if found == "mailing_list" and by_our_list else found
