"""What a letter's variables may say, in both languages: real enough for a reader to see what reads badly."""

from typing import Final

_TIME: Final = ("2026年3月2日 11:00", "2 March 2026, 11:00")
_LATER: Final = ("2026年3月5日 18:00", "5 March 2026, 18:00")
WORDS: Final[dict[str, tuple[str, str]]] = {
    "account": ("您的电费账户", "your account"), "actions": ("· 上门更换", "· replace it"),
    "address": ("西湖区", "Xihu district"), "adjust": ("多收部分已抵扣下期费用", "What was overcharged is taken off"),
    "amount": ("120.00", "120.00"), "bags": ("10", "10"), "basis": ("计量规程", "the metering rule"),
    "breakdown": ("保洁40%、秩序30%、维护30%", "cleaning 40 %, guards 30 %, upkeep 30 %"), "by": _LATER,
    "calculation": ("12千瓦时×10", "12 kWh × 10"), "campaign": ("S2026-01", "S2026-01"),
    "carrier": ("顺达快递", "Shunda Express"), "category": ("电费计量问题", "Metering accuracy"),
    "cause": ("接线松动", "a loose connection"), "channel": ("您的银行卡", "your bank card"),
    "claim": ("更换车辆", "a new car"), "clause": ("服务合同第八条", "clause 8 of the contract"),
    "clock": ("处理时限", "Solution"), "code": ("K7M2", "K7M2"), "courier": ("李师傅", "Mr Li"),
    "cue": ("触电", "electric shock"), "date": ("2026年3月5日", "5 March 2026"),
    "decision": ("同意免费更换", "we replace it free of charge"), "defect": ("制动助力不足", "weak braking"),
    "dish": ("糖醋里脊", "the sweet and sour pork"), "done": ("已完成排查", "the check is done"), "due_at": _TIME,
    "error": ("2.5", "2.5"), "eta": _TIME, "facts": ("1. 电表的表号是多少？", "1. What is the meter's number?"),
    "facts_checked": ("电表与账单", "the meter and the bills"), "fault": ("电梯停运", "a lift that stands still"),
    "finding": ("实际情况与您反映的有所不同", "things are not quite as you told us"), "first_contact_by": _TIME,
    "fix_by": _LATER, "grade": ("P.O 42.5", "P.O 42.5"), "handler": ("王工", "Wang"),
    "help": ("教您看懂账单", "we explain the bill"), "improvement": ("排班调整", "a new roster"),
    "in_out": ("超出", "outside"), "interim": ("不要驾驶", "do not drive it"), "interval": ("两天", "two days"),
    "issue": ("太咸", "too salty"), "item": ("物业费", "the service charge"), "kg": ("485", "485"),
    "kind": ("投诉", "complaint"), "kwh": ("120", "120"), "lab": ("省质检院", "the provincial laboratory"),
    "level": ("区域主管", "the regional supervisor"), "link": ("https://x.example/1", "https://x.example/1"),
    "lot": ("A2511", "A2511"), "meeting": ("3月6日", "6 March"), "minutes": ("40", "40"),
    "name": ("王女士", "Ms Wang"), "new_by": _LATER, "new_dish": ("清炒时蔬", "fresh greens"),
    "next": ("上门更换", "we replace it"), "number": ("1234-5678-903", "1234-5678-903"), "old_by": _TIME,
    "order": ("8812", "8812"), "orders": ("三次", "of three visits"), "org": ("示例公司", "Example Ltd"),
    "outcome": ("您反映的情况属实", "What you told us is right"), "owner": ("王工", "Wang"),
    "pay_by": ("2026年3月5日", "5 March 2026"), "period": ("去年", "the past year"),
    "day": ("2026年3月2日", "2026-03-02"),
    "news": ("· 已超时 1 件：1234-5678-903", "· deadlines missed: 1 (1234-5678-903)"),
    "waiting": ("另有 2 件消息未能送达或待人工确认，请查看提醒。", "2 alerts about messages wait."),
    "phone": ("400-000-0000", "400-000-0000"), "place": ("9号楼", "building 9"), "price": ("380", "380"),
    "questions": ("1. 在哪里？", "1. Where is it?"), "rate": ("每平方米2.5元", "CNY 2.5 a square metre"),
    "reason": ("接线松动", "a loose connection"), "recourse": ("12315消费者投诉举报热线", "the consumer line 12315"),
    "ref": ("R-778", "R-778"), "remedy": ("更换部件", "replace the part"),
    "restated": ("遇到“电费计量问题”方面的情况。", "a problem of the kind “Metering accuracy”."), "restore": _LATER,
    "result": ("电表走得偏快", "The meter runs fast"), "risk": ("制动距离变长", "longer braking"),
    "rule": ("三包规定", "the warranty rules"), "severity": ("高", "high"), "short": ("15", "15"),
    "solution_by": _LATER, "spent": ("12万元", "CNY 120,000"), "staff": ("前台小李", "Li at the desk"),
    "text": ("已为您查清。", "We have looked into it."), "time": _TIME, "vin6": ("123456", "123456"),
    "visit_by": _TIME, "what": ("受影响的一批已停售", "The batch is no longer sold"),
}  # fmt: skip


_OWN: Final[dict[str, dict[str, tuple[str, str]]]] = {
    "use_finding": {
        "result": ("各项指标合格", "meets the standard"), "facts": ("配比和养护记录", "the mix and the curing records"),
        "cause": ("养护时间不足", "too short a curing time"), "help": ("后续养护", "the curing"),
    },
    "dish_result": {
        "cause": ("盐放多了", "too much salt went in"),
        "improvement": ("后厨已重新称量配料", "The kitchen weighs its seasoning again"),
    },
    "late_result": {"cause": ("包裹被错分", "it was sorted wrongly"), "reason": ("晚到两天", "two days late")},
    "ack_late": {"item": ("充电宝", "a power bank")},
    "leak_warn": {"what": ("您的账户", "your account")},
    "escalated_staff": {"reason": ("客户要求主管介入", "the customer asks for a supervisor")},
    "assigned_staff": {"reason": ("您熟悉此类问题", "you know such matters")},
    "approval_staff": {"what": ("延长3个工作日", "3 working days more")},
    "compensation": {"what": ("退还多收电费", "Refund for the meter's error"), "amount": ("120.00元", "CNY 120.00")},
    "compensation_paid": {"what": ("退还多收电费", "Refund for the meter's error"), "amount": ("120.00元", "CNY 120.00")},
    "delay": {"what": ("更换电表", "the meter is replaced"), "reason": ("等待检定结果", "the test takes longer")},
    "acknowledgement_inquiry": {"restated": ("“电费”方面的情况。", "about “Bills”.")},
    "acknowledgement_suggestion": {"restated": ("“营业厅”方面的情况。", "about “Our offices”.")},
    "praise_reply": {"restated": ("“营业厅”方面的情况。", "about “Our offices”.")},
}  # fmt: skip
"""Where a word of the general ones makes no sense in a letter."""


def words(template: str, variables: tuple[str, ...], language: str) -> dict[str, str]:
    """A word for each. Raises KeyError for a variable that nobody thought of here."""
    known, at = WORDS | _OWN.get(template, {}), 0 if language == "zh" else 1
    return {name: known[name][at] for name in variables}
