"""What a person wrote, without what they answered to and without what their mail program put below.

Nothing is lost by it: the mail is kept whole. Where everything would go, nothing is cut.
"""

import re
from collections.abc import Sequence
from typing import Final

_WROTE: Final = (
    r"(?:wrote|writes|写道|写到|寫道|написал|написала|пишет|schrieb|a écrit|escribió|ha scritto)"
)
_ATTRIBUTION: Final = re.compile(rf"{_WROTE}\s?[:：]\s?$", re.IGNORECASE)
_BARE: Final = re.compile(r"\d.*@[\w.-]+>?\s?[:：]$")
"""An attribution without a word: only a quote below tells it."""
_WHO_AND_WHEN: Final = re.compile(r"[@\d]|^\s*(?:On|At|在|于)\b", re.IGNORECASE)
_BEGINS: Final = re.compile(
    r"\s*(?:-{2,}\s*)?(?:On|At|Le|Am|El|Il|在|于|\d|\w{2,3}, ?\d|\"|.{0,40}<|.{0,20}[于在])",
    re.IGNORECASE,
)
_DIVIDER: Final = re.compile(
    r"\s*(?:[-_=*—]{2,}\s*)(?:original message|original|forwarded message|reply message|原始邮件|原邮件|回复的原邮件"
    r"|转发的邮件|转发邮件|原始郵件|原郵件|исходное сообщение)\s*(?:[-_=*—]{2,}\s*)?$",
    re.IGNORECASE,
)
_FROM: Final = re.compile(
    r"[\s|>*]*(?:From|发件人|寄件者|寄件人|От|De|Von)[\s*|]*[:：|]", re.IGNORECASE
)
_FIELD: Final = re.compile(
    r"[\s|>*]*(?:Sent|Date|To|Cc|Subject|发送时间|发送日期|日期|时间|收件人|抄送|主题|傳送時間|收件者|主旨"
    r"|Отправлено|Дата|Кому|Тема|Reply-To)[\s*|]*[:：|]",
    re.IGNORECASE,
)
_QUOTED: Final = re.compile(r"\s*[>＞]")
_RULE: Final = re.compile(r"\s*[-_=—]{5,}\s*$")
_DELIMITER: Final = re.compile(r"--\s?$|__+\s*$|—{2,}\s*$")
_APPENDED: Final = re.compile(
    r"\s*(?:Sent from (?:my|Yahoo|Mail|Outlook|Samsung)\b.{0,80}|Sent with .{0,80}|Get Outlook for .{0,60}"
    r"|发自(?:我的)?.{1,40}|从我的.{1,30}发送|来自.{0,20}(?:手机|邮箱|客户端|iPhone|iPad|Android|HUAWEI|小米|华为).{0,20}"
    r"|發自我的.{1,30}|由.{1,20}(?:邮箱|邮件|手机).{0,10}发送)\s*$",
    re.IGNORECASE,
)
_LINES_OF_ATTRIBUTION: Final = 3
_LINES_OF_HEADER: Final = 6
_LONGEST_LINE: Final = 400
"""Longer lines are prose, and are not looked at closely."""


def reply_of(text: str) -> str:
    """What was written new. The whole text where nothing else would be left."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    written = _without_signature(_without_quotes(lines))
    found = "\n".join(written).strip()
    return found or text.strip()


def _without_quotes(lines: Sequence[str]) -> list[str]:
    kept: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if _QUOTED.match(line):
            at += 1
            continue
        length = _attribution(lines, at)
        if length:
            if not _is_above_quote(lines, at + length):
                break
            at += length  # what stands below the quoted lines was written too
            continue
        if _begins_original(lines, at):
            break
        kept.append(line)
        at += 1
    while kept and (not kept[-1].strip() or _RULE.match(kept[-1])):
        kept.pop()
    return kept


def _attribution(lines: Sequence[str], at: int) -> int:
    """How many lines from here say who wrote what follows, and when; 0 for none."""
    if len(lines[at]) > _LONGEST_LINE or not _BEGINS.match(lines[at]):
        return 0
    for length in range(1, _LINES_OF_ATTRIBUTION + 1):
        part = lines[at : at + length]
        joined = " ".join(part)
        if len(part) < length or not part[-1].strip() or len(joined) > _LONGEST_LINE:
            return 0
        if _is_above_quote(lines, at + length) and _BARE.search(joined.rstrip()):
            return length
        if _ATTRIBUTION.search(joined.rstrip()) and _WHO_AND_WHEN.search(joined):
            return length
    return 0


def _begins_original(lines: Sequence[str], at: int) -> bool:
    """Whether the mail that was answered begins here: a divider, or its header as a block of lines."""
    line = lines[at][:_LONGEST_LINE]
    if _DIVIDER.match(line):
        return True
    if not _FROM.match(line) and not _FIELD.match(line):
        return False
    block = [one[:_LONGEST_LINE] for one in lines[at : at + _LINES_OF_HEADER]]
    fields = sum(bool(_FIELD.match(one)) for one in block)
    return any(_FROM.match(one) for one in block) and fields > 1


def _is_above_quote(lines: Sequence[str], at: int) -> bool:
    after = _next_filled(lines, at)
    return after is not None and bool(_QUOTED.match(lines[after]))


def _next_filled(lines: Sequence[str], at: int) -> int | None:
    return next((here for here in range(at, len(lines)) if lines[here].strip()), None)


def _without_signature(lines: list[str]) -> list[str]:
    for at, line in enumerate(lines):
        if (
            at
            and len(line) <= _LONGEST_LINE
            and _DELIMITER.match(line)
            and any(map(str.strip, lines[:at]))
        ):
            lines = lines[:at]
            break
    while len(lines) > 1 and (not lines[-1].strip() or _APPENDED.match(lines[-1][:_LONGEST_LINE])):
        lines = lines[:-1]
    return lines
