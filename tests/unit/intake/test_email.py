"""What a mail is: read without anything else, so that nothing in it can do harm."""

from __future__ import annotations

import os
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from services.intake.channels.email import read
from services.intake.channels.email.charset import decode
from services.intake.channels.email.headers import words
from services.intake.channels.email.html import to_text
from services.intake.channels.email.quotes import reply_of
from services.intake.channels.port import (
    Bounce,
    Outcome,
    Own,
    Payload,
    Quarantine,
    Reply,
    Submission,
)
from shared.threads import message_id

KEY = b"k" * 32
OWN = Own(key=KEY, addresses=frozenset({"complaints@example.com"}))
NUMBER = "1234-5678-903"
THREAD = message_id(
    KEY, message="0198f3a2-7c1e-7d00-8a00-0123456789ab", number=NUMBER, domain="example.com"
)
CORPUS = os.environ.get("REDRESS_CORPUS")
SAMPLES = sorted(one for one in Path(CORPUS).glob("mail-*/**/*") if one.is_file()) if CORPUS else []


def mail(body: str | bytes = "空调坏了", *, own: Own = OWN, **headers: str) -> Outcome:
    """What a mail with these headers is (`_` stands for `-`)."""
    said = {
        "From": "Wang <wang@example.org>",
        "Subject": "Broken",
        "Message-ID": "<m1@example.org>",
    }
    said |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in said.items() if value)
    raw = body.encode() if isinstance(body, str) else body
    return read(Payload(head.encode() + b"\r\n" + raw, "message/rfc822"), own)


def text_of(outcome: Outcome) -> str:
    assert isinstance(outcome, Submission), outcome
    return str(outcome.body["text"])


def test_a_mail_is_a_complaint_of_its_sender_under_its_message_id() -> None:
    found = mail("The heater is broken.", From='"Wang, Li" <Wang@EXAMPLE.org>')

    assert isinstance(found, Submission)
    assert found.body["text"] == "The heater is broken."
    assert found.body["subject"] == "Broken"
    assert found.body["external_id"] == "m1@example.org"
    assert found.body["complainant"] == {
        "name": "Wang, Li",
        "contacts": [{"type": "email", "value": "Wang@example.org"}],
    }


def test_without_a_message_id_the_same_mail_is_known_by_what_it_says_however_it_travelled() -> None:
    one = mail("a", Message_ID="", Received="from a", Date="Mon, 2 Mar 2026 09:00:00 +0800")
    again = mail("a", Message_ID="", Received="from b", Date="Mon, 2 Mar 2026 09:00:00 +0800")
    other = mail("b", Message_ID="", Date="Mon, 2 Mar 2026 09:00:00 +0800")

    ids = [one_.body["external_id"] for one_ in (one, again, other) if isinstance(one_, Submission)]
    assert ids[0] == ids[1] != ids[2]


CHINESE = "我买的热水器坏了，姓名：喆镕，请尽快处理。"


@pytest.mark.parametrize("charset", ["gb2312", "gbk", "GB18030", "utf-8", "x-gbk"])
def test_a_chinese_charset_is_read_with_all_its_characters(charset: str) -> None:
    encoding = "utf-8" if charset == "utf-8" else "gb18030"

    found = mail(CHINESE.encode(encoding), Content_Type=f'text/plain; charset="{charset}"')

    assert text_of(found) == CHINESE


@pytest.mark.parametrize(
    "declared", [None, "us-ascii", "utf-8", "unknown-8bit", "zip", "a\0b", "punycode"]
)
@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("空调坏了，没人来修", "gb18030"),
        ("空调坏了，没人来修。打了三次电话，一直没有人回复，请退款并赔偿损失。" * 3, "gb18030"),
        ("冷氣壞了，沒有人來修。打了三次電話，一直沒有人回覆，請退款並賠償損失。" * 3, "big5"),
        ("空调坏了", "utf-8"),
        ("Le téléphone est cassé, je voudrais être remboursé dès que possible, déjà payé à Noël. " * 3, "cp1252"),
        ("제품이 고장났습니다. 환불을 요청합니다. 감사합니다. " * 4, "cp949"),
    ],
)  # fmt: skip
def test_what_is_declared_wrongly_or_not_at_all_is_detected(
    text: str, encoding: str, declared: str | None
) -> None:
    assert decode(text.encode(encoding), declared) == text


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("=?utf-8?B?56m66LCD?= =?utf-8?B?5Z2P5LqG?=", "空调坏了"),
        ("=?gb2312?B?v9W19w==?= is =?GB2312?q?=BB=B5=C1=CB?=", "空调 is 坏了"),
        ("=?utf-8?B?56m66A==?= =?utf-8?B?sIPlnY8=?=", "空调坏"),
        ("=?nonsense?B?YQ==?= =?utf-8?B?===?= =?utf-8?X?a?=", "a=?utf-8?X?a?="),
        ("plain", "plain"),
        ("=?utf-8?Q?a=0D=0ABcc:_x?=", "a Bcc: x"),
        ("=?utf-8?Q?a=00b=ED=A0=80?=", "a b\ufffd\ufffd\ufffd"),
    ],
)
def test_encoded_words_are_read_however_they_were_divided(header: str, text: str) -> None:
    assert words(header) == text


REPLIES = {
    "qq": '还是没修好\n\n\n------------------&nbsp;原始邮件&nbsp;------------------\n发件人: "客服" <a@b.c>\n旧内容',
    "qq, plain": "还是没修好\n\n------------------ 原始邮件 ------------------\n发件人: 客服\n发送时间: 2026年3月2日\n旧内容",
    "qq mobile": '还是没修好\n\n\n\n---原始邮件---\n发件人: "客服"<a@b.c>\n旧内容',
    "163": '还是没修好\n\n\n\n\n\n在 2026-03-02 10:00:00，"客服" <a@b.c> 写道：\n\n旧内容',
    "163, english": '还是没修好\n\nAt 2026-03-02 10:00:00, "客服" <a@b.c> wrote:\n>旧内容',
    "163 mobile": "还是没修好\n\n---- 回复的原邮件 ----\n| 发件人 | 客服<a@b.c> |\n| 日期 | 2026年3月2日 |\n旧内容",
    "gmail": "还是没修好\n\n客服 <a@b.c> 于2026年3月2日周一 10:00写道：\n\n> 旧内容",
    "outlook": "还是没修好\n\n________________________________\n发件人: 客服 <a@b.c>\n发送时间: 2026年3月2日\n收件人: 我\n主题: 回复\n\n旧内容",
    "outlook, traditional": "还是没修好\n\n寄件者: 客服\n傳送時間: 2026年3月2日\n收件者: 我\n主旨: 回覆\n\n旧内容",
    "apple": "还是没修好\n\n发自我的 iPhone\n\n> 在 2026年3月2日，10:00，客服 <a@b.c> 写道：\n> \n> 旧内容",
    "foxmail": "还是没修好\n\n\n\nwang@example.org\n \n发件人： 客服\n发送时间： 2026-03-02 10:00\n收件人： 我\n主题： 回复\n旧内容",
    "below the quote": "在 2026年3月2日，客服 <a@b.c> 写道：\n> 旧内容\n还是没修好",
    "signature": "还是没修好\n-- \n王小明\n某某公司 旧内容",
    "phone": "还是没修好\n\n发自我的华为手机",
}  # fmt: skip


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_a_reply_comes_without_what_it_answers(reply: str) -> None:
    found = reply_of(reply.replace("&nbsp;", "\u00a0"))

    assert found.splitlines()[0] == "还是没修好"
    assert not any(one in found for one in ("旧内容", "写道", "发自", "发件人", "原始邮件"))


@pytest.mark.parametrize(
    "text",
    [
        "I wrote to you on 2 March:\nno answer.",
        "收件人: 我\n送来的东西坏了",
        "> 只有引用",
        "From: nobody knows\nit is broken",
        "-- 一开头就是横线",
        "他写道：你们不管",
    ],
)
def test_what_a_person_wrote_is_not_taken_for_a_quote(text: str) -> None:
    assert reply_of(text) == text


def test_a_forwarded_mail_keeps_what_it_forwards() -> None:
    body = (
        "请看\n\n---------- Forwarded message ---------\nFrom: a@b.c\nSubject: x\nDate: y\n\n发票"
    )

    assert "发票" in text_of(mail(body, Subject="Fwd: x"))


def test_html_becomes_text_without_what_nobody_sees() -> None:
    html = (
        "<html><head><title>t</title><style>p{}</style></head><body><script>alert(1)</script>"
        "<p>空调<b>坏了</b>&nbsp;&amp; 没人修</p><div style='display:none'>x</div><ul><li>一<li>二</ul>"
        "<img src=cid:1><a href='file:///etc/passwd'>链接</a><blockquote>旧<br>话</blockquote></body></html>"
    )

    assert to_text(html) == "空调坏了 & 没人修\n- 一\n- 二\n链接\n> 旧\n> 话"


def test_html_that_nests_without_end_is_read_and_takes_no_time() -> None:
    before = process_time()

    assert to_text("<div>" * 200_000 + "坏了") == "坏了"
    assert to_text("<div>" * 900 + "坏了") == "坏了"
    assert process_time() - before < 5


def multipart(*parts: str, kind: str = "mixed") -> tuple[str, str]:
    body = "".join(f"--b\r\n{part}\r\n" for part in parts) + "--b--\r\n"
    return body, f'multipart/{kind}; boundary="b"'


def test_of_alternatives_the_plain_text_is_taken_and_files_are_kept_apart() -> None:
    body, kind = multipart(
        "Content-Type: text/plain\r\n\r\nplain",
        "Content-Type: text/html\r\n\r\n<p>html</p>",
        'Content-Type: application/octet-stream; name="=?gb2312?B?seouZG9j?="\r\nContent-Disposition: attachment\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgpyZXN0",
        kind="alternative",
    )

    found = mail(body, Content_Type=kind)

    assert text_of(found) == "plain"
    assert isinstance(found, Submission)
    [file] = found.files
    assert (file.name, file.content) == ("标.doc", b"\x89PNG\r\n\x1a\nrest")


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Auto_Submitted": "auto-replied"}, "auto_reply"),
        ({"Auto_Submitted": "auto-generated; x"}, "automatic"),
        ({"Subject": "=?utf-8?B?6Ieq5Yqo5Zue5aSNOg==?= x"}, "auto_reply"),
        ({"X_Autoreply": "yes"}, "auto_reply"),
        ({"Precedence": "bulk"}, "automatic"),
        ({"Precedence": "auto_reply"}, "auto_reply"),
        ({"Precedence": "list"}, "mailing_list"),
        ({"Return_Path": "<>"}, "automatic"),
        ({"X_Redress_Number": NUMBER}, "loop"),
        ({"From": "Complaints@example.com"}, "loop"),
        ({"Message_ID": THREAD}, "loop"),
        ({"X_Loop": "complaints@example.com"}, "loop"),
    ],
)
def test_what_no_person_wrote_opens_no_case(headers: dict[str, Any], reason: str) -> None:
    found = mail(**headers)

    assert isinstance(found, Quarantine)
    assert found.reason == reason


@pytest.mark.parametrize("headers", [{"Auto_Submitted": "no"}, {"Precedence": "list", "List_Post": "<mailto:complaints@example.com>"}])  # fmt: skip
def test_what_a_person_wrote_opens_one(headers: dict[str, Any]) -> None:
    assert isinstance(mail(**headers), Submission)


def report(kind: str, fields: str, *, returned: str = f"Message-ID: {THREAD}") -> Outcome:
    body, _ = multipart(
        "Content-Type: text/plain\r\n\r\nSorry",
        f"Content-Type: message/{kind}\r\n\r\n{fields}",
        f"Content-Type: text/rfc822-headers\r\n\r\n{returned}\r\n",
    )
    return mail(body, Content_Type=f'multipart/report; report-type={kind}; boundary="b"')


FAILED = "Reporting-MTA: dns; x\r\n\r\nFinal-Recipient: rfc822; a@b.c\r\nAction: failed\r\nStatus: 5.1.1\r\n"


def test_a_report_names_the_message_of_ours_that_did_not_arrive() -> None:
    found = report("delivery-status", FAILED)

    assert found == Bounce(
        "undelivered", "m1@example.org", "5.1.1", NUMBER, "0198f3a2-7c1e-7d00-8a00-0123456789ab"
    )


def test_a_report_that_proves_nothing_is_still_no_complaint() -> None:
    forged = report("delivery-status", FAILED, returned=f"Message-ID: {THREAD.replace('@', 'x@')}")
    delayed = report("delivery-status", FAILED.replace("failed", "delayed").replace("5.1", "4.2"))
    abuse = report("feedback-report", "Feedback-Type: abuse\r\n")
    displayed = report("disposition-notification", "Disposition: manual-action; displayed\r\n")
    own_form = mail("x", From="MAILER-DAEMON@x.org", Subject="Undelivered Mail Returned to Sender")

    assert isinstance(forged, Bounce)
    assert forged.number is None
    assert isinstance(delayed, Bounce)
    assert (delayed.kind, delayed.status) == ("delayed", "4.2.1")
    assert isinstance(abuse, Bounce)
    assert (abuse.kind, abuse.number) == ("abuse", NUMBER)
    assert isinstance(displayed, Quarantine)
    assert isinstance(own_form, Bounce)


def test_an_answer_to_a_mail_of_ours_belongs_to_its_complaint() -> None:
    found = mail("还是没修好", In_Reply_To=THREAD, Subject="Re: x")

    assert isinstance(found, Reply)
    assert (found.number, found.sender) == (NUMBER, "wang@example.org")


@pytest.mark.parametrize(
    ("results", "is_proven"),
    [
        ("mx.example.com; dmarc=pass header.from=example.org", True),
        ("mx.example.com; dkim=pass header.d=example.org; spf=fail", True),
        ("mx.example.com; dkim=pass header.d=evil.org", False),
        ("mx.example.com; dkim=fail header.d=example.org", False),
        ("mx.example.com; spf=pass smtp.mailfrom=wang@example.org", False),
        ("mx.evil.org; dmarc=pass header.from=example.org", False),
        ("", False),
    ],
)
def test_where_our_server_checks_senders_only_what_it_proved_is_an_answer(
    results: str, *, is_proven: bool
) -> None:
    own = Own(key=KEY, authserv="mx.example.com")

    found = mail(In_Reply_To=THREAD, Authentication_Results=results, own=own)

    assert isinstance(found, Reply) == is_proven


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        pytest.param(b"", "empty", id="nothing"),
        pytest.param(b"From: a@b.cd\r\n\r\n\r\n", "empty", id="only a sender"),
        pytest.param(
            b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(2_000)),
            "too_deep", id="2,000 deep",
        ),
        pytest.param(b"Content-Type: message/rfc822\r\n\r\n" * 2_000, "too_deep", id="2,000 mails in mails"),
        pytest.param(
            b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * 10_000,
            "too_many_parts", id="10,000 parts",
        ),
    ],
)  # fmt: skip
def test_a_mail_made_to_break_its_reader_is_put_aside(raw: bytes, reason: str) -> None:
    found = read(Payload(raw), OWN)

    assert isinstance(found, Quarantine)
    assert found.reason == reason


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Transfer_Encoding": "base64"},
        {"Content_Transfer_Encoding": "x-uuencode"},
        {"Content_Transfer_Encoding": "quoted-printable"},
        {"Content_Type": "multipart/mixed"},
        {"Content_Type": 'multipart/mixed; boundary="none"'},
        {"Content_Type": "text/plain; charset*=x''%ff"},
        {"Content_Type": "text/html"},
        {"Content_Type": ";;;"},
        {"From": "not an address"},
        {"From": ""},
        {"From": "(" * 5_000},
        {"Subject": "=?utf-8?B?" + "A" * 5_000 + "?="},
        {"Date": "yesterday"},
        {"Message_ID": "<" + "x" * 5_000 + ">"},
    ],
    ids=str,
)
def test_a_broken_header_costs_no_mail(headers: dict[str, Any]) -> None:
    assert isinstance(mail("SGVsbG8=", **headers), Submission)


@pytest.mark.skipif(not SAMPLES, reason="REDRESS_CORPUS names no folder of real mails")
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_every_real_mail_is_read(sample: Path) -> None:
    found = read(Payload(sample.read_bytes(), "message/rfc822"), OWN)

    assert not isinstance(found, Quarantine) or found.reason != "unreadable"
    if sample.parent.name == "multipart_report_emails":
        assert isinstance(found, Bounce)


REAL_REPLIES = [
    one for one in SAMPLES if one.parent.name == "standard_replies" and one.suffix == ".eml"
]
REAL_HTML = [one for one in SAMPLES if one.parent.name == "html_replies"]


@pytest.mark.skipif(not REAL_REPLIES, reason="REDRESS_CORPUS names no folder of real mails")
@pytest.mark.parametrize("sample", REAL_REPLIES, ids=lambda path: path.name)
def test_a_real_reply_comes_without_quotes_and_signature(sample: Path) -> None:
    assert text_of(read(Payload(sample.read_bytes()), OWN)) == "Hello"


@pytest.mark.skipif(not REAL_HTML, reason="REDRESS_CORPUS names no folder of real mails")
@pytest.mark.parametrize("sample", REAL_HTML, ids=lambda path: path.name)
def test_a_real_reply_in_html_comes_without_quotes(sample: Path) -> None:
    found = reply_of(to_text(sample.read_text(encoding="utf-8")))

    assert found.split() == ["Hi.", "I", "am", "fine.", "Thanks,", "Alex"]
