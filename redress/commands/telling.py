"""Events in words, in Chinese or English: what `watch` and `show` say happened."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, NamedTuple

from redress.commands.screen import day_time

Data = Mapping[str, Any]
Language = Literal["zh", "en"]
Words = Mapping[str, tuple[str, str]]
"""A code → its word in Chinese and in English."""


class Line(NamedTuple):
    """What happened, and how it is coloured."""

    text: str
    style: str


VALUES: Final[Words] = {
    "complaint": ("投诉", "complaint"),
    "grumble": ("抱怨", "grumble"),
    "inquiry": ("咨询", "inquiry"),
    "suggestion": ("建议", "suggestion"),
    "praise": ("表扬", "praise"),
    "low": ("低", "low"),
    "normal": ("一般", "normal"),
    "high": ("高", "high"),
    "critical": ("紧急", "critical"),
    "acknowledge": ("确认收到", "acknowledge"),
    "triage": ("人工分诊", "triage"),
    "first_contact": ("首次联系", "first contact"),
    "solution": ("提出方案", "solution"),
    "closure": ("办结", "closure"),
    "progress": ("进展通报", "progress notice"),
    "callback": ("回访", "callback"),
    "statutory": ("法定期限", "lawful limit"),
    "received": ("已受理", "received"),
    "assigned": ("已派单", "assigned"),
    "accepted": ("已接单", "accepted"),
    "investigating": ("调查中", "investigating"),
    "solution_proposed": ("已提方案", "solution proposed"),
    "executing": ("执行中", "executing"),
    "resolved": ("已解决", "resolved"),
    "closed": ("已办结", "closed"),
    "open": ("已建立", "open"),
    "acting": ("处置中", "acting"),
    "solved": ("已解决", "solved"),
    "withdrawn": ("已撤回", "withdrawn"),
    "upheld": ("成立", "upheld"),
    "partly_upheld": ("部分成立", "partly upheld"),
    "not_upheld": ("不成立", "not upheld"),
    "satisfied": ("满意", "satisfied"),
    "neutral": ("一般", "neutral"),
    "dissatisfied": ("不满意", "dissatisfied"),
    "unreached": ("未联系上", "unreached"),
    "skipped": ("略过", "skipped"),
    "no_contact": ("没有可用联系方式", "no usable contact"),
    "erased": ("资料已删除", "erased"),
    "refused": ("对方拒收", "refused"),
    "exhausted": ("多次尝试未成功", "gave up after many tries"),
    "phone": ("电话", "phone"),
    "email": ("邮件", "e-mail"),
    "web": ("网站", "web"),
    "app": ("App", "app"),
    "miniapp": ("小程序", "mini program"),
    "wechat": ("微信", "WeChat"),
    "wecom": ("企业微信", "WeCom"),
    "chat": ("在线客服", "chat"),
    "social": ("社交媒体", "social media"),
    "walk_in": ("当面", "walk-in"),
    "letter": ("信件", "letter"),
    "regulator": ("监管机构", "regulator"),
    "sensor": ("传感器", "sensor"),
    "import": ("导入", "import"),
    "acknowledgement": ("受理通知", "acknowledgement"),
    "complainant": ("投诉人", "complainant"),
    "staff": ("工作人员", "staff"),
}
DONE: Final[Words] = {
    "understood": ("已识别", "it is understood"),
    "assigned": ("有了处理人", "it has an owner"),
    "unassigned": ("处理人已收回", "its owner was taken away"),
    "acknowledged": ("客户已获知", "the customer knows that we have it"),
    "accept": ("已接单", "taken on"),
    "contact": ("已联系客户", "talked with the customer"),
    "callback": ("已回访", "the customer was asked"),
    "ask_customer": ("已询问客户", "the customer was asked to tell more"),
    "record_facts": ("已记录事实", "facts recorded"),
    "note": ("已备注", "noted"),
    "reply": ("已回复客户", "the customer was answered"),
    "keep_promise": ("承诺已兑现", "a promise was kept"),
    "find_cause": ("已查明原因", "the cause is known"),
    "decide": ("已认定", "decided"),
    "confirm_decision": ("认定已复核", "a second person agrees"),
    "propose": ("已提出方案", "a solution was proposed"),
    "answer": ("客户已答复方案", "the customer answered the proposal"),
    "execute": ("已执行一步", "an action is done"),
    "give_task": ("已请协办", "another team is to help"),
    "finish_task": ("协办已完成", "the other team is done"),
    "plan_visit": ("已安排到场", "a visit is planned"),
    "mark": ("已完成一个节点", "a step is done"),
    "record_visit": ("已到场", "they were there"),
    "message_added": ("客户有补充，待查看", "the customer added something, to be looked at"),
    "review_message": ("补充已查看", "what the customer added was looked at"),
    "overdue": ("协办或执行超时", "a task or an action is overdue"),
    "tell_recourse": ("已告知其他途径", "told where else to turn"),
    "hand_over": ("已移交外部", "a body outside has it"),
    "outside_result": ("外部已有结果", "the body outside has answered"),
}
"""What a change of the case was."""
MESSAGE_STATES: Final[Words] = {
    "pending": ("待发", "waiting"),
    "attempting": ("发送中", "being sent"),
    "accepted": ("已发出", "sent"),
    "delivered": ("已送达", "arrived"),
    "failed": ("未能送达", "failed"),
    "cancelled": ("已取消", "cancelled"),
}
STYLES: Final[Mapping[str, str]] = {
    "complaint.received": "bold",
    "complaint.triage_requested": "yellow",
    "case.escalated": "bold red",
    "case.resolved": "green",
    "case.closed": "bold green",
    "case.refused": "yellow",
    "contact.failed": "yellow",
    "subscription.disabled": "red",
    "case.reopened": "yellow",
    "clock.warned": "yellow",
    "clock.breached": "bold red",
    "clock.met": "green",
    "promise.broken": "bold red",
    "promise.kept": "green",
    "message.accepted": "cyan",
    "message.delivered": "cyan",
    "message.failed": "red",
    "message.unknown": "yellow",
    "warning.raised": "bold red",
}


class Teller:
    """Puts events into words. `names` are what people call accounts, by id."""

    def __init__(self, language: str, names: Mapping[str, str]) -> None:
        self._at = 0 if language == "zh" else 1
        self._names = names

    def tell(self, event: Data) -> Line:
        """One event in words; one that is not known here by its type."""
        name = event["type"].removeprefix("redress.").rsplit(".v", 1)[0]
        told = _TELLING.get(name)
        text = told(self, event.get("data") or {}) if told else name
        return Line(text, STYLES.get(name, ""))

    def pick(self, zh: str, en: str) -> str:
        """The words in the reader's language."""
        return (zh, en)[self._at]

    def word(self, code: object, words: Words = VALUES) -> str:
        """A code as a word; unknown codes as they are."""
        found = words.get(str(code))
        return found[self._at] if found else str(code)

    def person(self, id_: object) -> str:
        """What an account is called."""
        return self._names.get(str(id_), str(id_))

    def received(self, data: Data) -> str:
        text = _short(data.get("text", ""))
        channel = self.word(data.get("channel"))
        return self.pick(f"收到（{channel}）：{text}", f"received by {channel}: {text}")

    def message_added(self, data: Data) -> str:
        who, text = self.word(data.get("by")), _short(data.get("text", ""))
        return self.pick(f"{who}补充：{text}", f"the {who} added: {text}")

    def undelivered(self, data: Data) -> str:
        zh, en = {
            "delayed": ("邮件延迟送达", "a mail of ours is delayed"),
            "abuse": ("邮件被举报为垃圾邮件", "a mail of ours was called abuse"),
        }.get(str(data.get("kind")), ("邮件被退回", "a mail of ours came back"))
        status = f" ({data['status']})" if data.get("status") else ""
        return self.pick(zh + status, en + status)

    def code_requested(self, data: Data) -> str:
        asked = data.get("number")
        return self.pick(f"请求重发 {asked} 的查询码", f"the code of {asked} was asked for again")

    def linked(self, data: Data) -> str:
        other, score = data.get("other_number"), data.get("score")
        if data.get("undone"):
            return self.pick(f"与 {other} 并非同一件事", f"not about the same as {other}")
        return self.pick(
            f"可能与 {other} 是同一件事（{score}）", f"likely about the same as {other} ({score})"
        )

    def changed_person(self, data: Data) -> str:
        ways = ", ".join(data.get("contact_types", ())) or "-"
        return self.pick(f"客户资料更新：{ways}", f"a customer's details were written: {ways}")

    def erased(self, data: Data) -> str:
        numbers = ", ".join(data.get("numbers", ())) or "-"
        return self.pick(
            f"投诉人的个人信息已删除：{numbers}", f"a complainant was erased: {numbers}"
        )

    def understood(self, data: Data) -> str:
        category = next((one["code"] for one in data.get("categories", ())), "?")
        kind, severity = self.word(data.get("kind")), self.word(data.get("severity"))
        unsure = self.pick("，不确定", ", unsure") if data.get("unsure") else ""
        return self.pick(
            f"识别为{kind}，类别 {category}，严重度{severity}{unsure}",
            f"understood as {kind}, category {category}, severity {severity}{unsure}",
        )

    def triage(self, data: Data) -> str:
        why = self.pick(";", "; ").join(str(reason) for reason in data.get("reasons", ()))
        return self.pick(f"转人工分诊：{why}", f"a person must look: {why}")

    def assigned(self, data: Data) -> str:
        who, team = self.person(data.get("handler")), data.get("team")
        return self.pick(f"派给 {who}（班组 {team}）", f"given to {who}, team {team}")

    def unassigned(self, data: Data) -> str:
        who, why = self.person(data.get("handler")), data.get("reason")
        return self.pick(f"从 {who} 收回：{why}", f"taken from {who}: {why}")

    def corrected(self, data: Data) -> str:
        new = f"{self.word(data.get('new_kind'))} {data.get('new_category')}"
        by = self.person(data.get("by"))
        return self.pick(f"{by} 更正为 {new}", f"{by} corrected it to {new}")

    def opened(self, _: Data) -> str:
        return self.pick("工单已建立", "case opened")

    def changed(self, data: Data) -> str:
        state, what = self.word(data.get("state")), str(data.get("what") or "")
        by = self._by(data)
        done = self.word(what, DONE) if what else self.pick("有变化", "changed")
        return self.pick(f"工单{state}：{done}{by}", f"case: {done}{by} (now {state})")

    def escalated(self, data: Data) -> str:
        level, why = data.get("escalation_level"), self.word(data.get("what"))
        return self.pick(f"升级到第 {level} 级（{why}）", f"escalated to level {level} ({why})")

    def resolved(self, data: Data) -> str:
        found = data.get("resolution") or {}
        outcome, by = self.word(found.get("outcome")), self._by(data)
        reason = _short(str(found.get("reason") or ""))
        return self.pick(f"已解决，{outcome}：{reason}{by}", f"resolved, {outcome}: {reason}{by}")

    def closed(self, data: Data) -> str:
        return self.pick("已办结", "closed") + self._by(data)

    def refused(self, data: Data) -> str:
        by, reason = self._by(data), _short(str(data.get("reason") or ""))
        return self.pick(f"处理人退回：{reason}{by}", f"given back: {reason}{by}")

    def reopened(self, data: Data) -> str:
        return self.pick(
            f"重新打开，第 {data.get('cycle')} 轮", f"reopened, cycle {data.get('cycle')}"
        )

    def clock(self, zh: str, en: str) -> Callable[[Data], str]:
        """How a clock's event is told; `{}` is its name."""

        def told(data: Data) -> str:
            clock = data.get("clock") or {}
            due = day_time(clock["due_at"]) if clock.get("due_at") else "?"
            text = self.pick(zh, en).format(self.word(clock.get("name")))
            return text + self.pick(f"（应在 {due} 前）", f" (due {due})")

        return told

    def promise(self, zh: str, en: str) -> Callable[[Data], str]:
        """How a promise's event is told; `{}` is what was promised."""

        def told(data: Data) -> str:
            return self.pick(zh, en).format((data.get("promise") or {}).get("what"))

        return told

    def callback_due(self, data: Data) -> str:
        due = day_time(data["due_at"]) if data.get("due_at") else "?"
        return self.pick(f"应在 {due} 前回访", f"callback is due by {due}")

    def callback_done(self, data: Data) -> str:
        result = self.word(data.get("result"))
        return self.pick(f"已回访：{result}", f"called back: {result}")

    def message(self, zh: str, en: str) -> Callable[[Data], str]:
        """How a message's event is told; `{}` is the letter, then channel and recipient."""

        def told(data: Data) -> str:
            letter, channel = self.word(data.get("template")), self.word(data.get("channel"))
            text = self.pick(zh, en).format(letter, channel, self.word(data.get("recipient")))
            reason = data.get("reason")
            return f"{text} ({self.word(reason)})" if reason else text

        return told

    def contact_failed(self, data: Data) -> str:
        way = self.word(data.get("contact_type"))
        return self.pick(f"联系不上：{way}", f"cannot be reached: {way}")

    def subscription_disabled(self, data: Data) -> str:
        label = data.get("label")
        return self.pick(f"推送已停用：{label}", f"webhook disabled: {label}")

    def incident(self, data: Data) -> str:
        about = self.pick(f"群诉事件：{data.get('zh')}", f"incident: {data.get('en')}")
        done = self.word(data.get("state"))
        members = self.pick(f"成员 {data.get('members')}", f"{data.get('members')} members")
        return f"{about} · {done} · {members}"

    def warning(self, data: Data) -> str:
        return self.pick(f"预警：{data.get('rule_zh')}", f"warning: {data.get('rule_en')}")

    def bulletin(self, data: Data) -> str:
        return self.pick(f"通报：{data.get('zh')}", f"bulletin: {data.get('en')}")

    def remedy(self, zh: str, en: str) -> Callable[[Data], str]:
        """How a remedy's event is told; `{}` is its name, its amount, then its reference."""

        def told(data: Data) -> str:
            remedy = data.get("remedy") or {}
            money = remedy.get("amount") or {}
            amount = f"{money.get('currency')} {money.get('amount')}" if money else ""
            name = self.pick(str(remedy.get("name_zh")), str(remedy.get("name_en")))
            return self.pick(zh, en).format(name, amount, remedy.get("reference")).strip()

        return told

    def _by(self, data: Data) -> str:
        by = str(data.get("by") or "")
        if by in {"", "followup", "machine"}:
            return ""
        return self.pick(f"({self.person(by)})", f" by {self.person(by)}")


_Telling = Callable[[Teller, Data], str]


def _clock(zh: str, en: str) -> _Telling:
    return lambda teller, data: teller.clock(zh, en)(data)


def _promise(zh: str, en: str) -> _Telling:
    return lambda teller, data: teller.promise(zh, en)(data)


def _remedy(zh: str, en: str) -> _Telling:
    return lambda teller, data: teller.remedy(zh, en)(data)


def _message(zh: str, en: str) -> _Telling:
    return lambda teller, data: teller.message(zh, en)(data)


_TELLING: Final[Mapping[str, _Telling]] = {
    "complaint.received": Teller.received,
    "complaint.message_added": Teller.message_added,
    "complaint.undelivered": Teller.undelivered,
    "complaint.code_requested": Teller.code_requested,
    "complaint.linked": Teller.linked,
    "complainant.changed": Teller.changed_person,
    "complainant.erased": Teller.erased,
    "complaint.understood": Teller.understood,
    "complaint.triage_requested": Teller.triage,
    "complaint.assigned": Teller.assigned,
    "complaint.unassigned": Teller.unassigned,
    "complaint.corrected": Teller.corrected,
    "case.opened": Teller.opened,
    "case.changed": Teller.changed,
    "case.escalated": Teller.escalated,
    "case.resolved": Teller.resolved,
    "case.closed": Teller.closed,
    "case.refused": Teller.refused,
    "case.reopened": Teller.reopened,
    "clock.started": _clock("开始计时：{}", "clock started: {}"),
    "clock.warned": _clock("时限将到：{}", "time is running out: {}"),
    "clock.breached": _clock("超时：{}", "deadline passed: {}"),
    "clock.met": _clock("按时完成：{}", "done in time: {}"),
    "clock.paused": _clock("时限暂停：{}", "clock stands still: {}"),
    "clock.resumed": _clock("时限继续：{}", "clock runs again: {}"),
    "clock.extended": _clock("时限延长：{}", "deadline put off: {}"),
    "promise.made": _promise("承诺：{}", "promised: {}"),
    "promise.kept": _promise("承诺已兑现：{}", "promise kept: {}"),
    "promise.broken": _promise("承诺未兑现：{}", "promise broken: {}"),
    "callback.due": Teller.callback_due,
    "callback.done": Teller.callback_done,
    "message.accepted": _message("已发{2}：{0}（{1}）", "sent to the {2}: {0}, by {1}"),
    "message.delivered": _message("已送达{2}：{0}（{1}）", "arrived at the {2}: {0}, by {1}"),
    "message.failed": _message("未能发给{2}：{0}", "could not be sent to the {2}: {0}"),
    "message.unknown": _message("是否送达未知：{0}（{1}）", "may have arrived: {0}, by {1}"),
    "contact.failed": Teller.contact_failed,
    "subscription.disabled": Teller.subscription_disabled,
    "incident.opened": Teller.incident,
    "incident.updated": Teller.incident,
    "incident.closed": Teller.incident,
    "incident.bulletin": Teller.bulletin,
    "remedy.proposed": _remedy("提出补救：{0} {1}", "remedy proposed: {0} {1}"),
    "remedy.approved": _remedy("补救获批：{0} {1}", "remedy approved: {0} {1}"),
    "remedy.payout_requested": _remedy(
        "申请支付：{0} {1}（{2}）", "payment asked for: {0} {1}, {2}"
    ),
    "remedy.paid": _remedy("已支付：{0} {1}（{2}）", "paid: {0} {1}, {2}"),
    "remedy.reversed": _remedy("支付已冲回：{0} {1}（{2}）", "payment taken back: {0} {1}, {2}"),
    "warning.raised": Teller.warning,
}


def _short(text: str, length: int = 60) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"
