"""The 24 scenarios of six trades, as rows: what comes in, what it is understood as, what people do, where it must end.

`later` names what a scenario also expects and what belongs to another issue: nothing of it is shown here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
Step = tuple[timedelta, str, dict[str, Any], str | None]
"""How long after the step before, the command, what it is sent with, and by which member of staff (None: a key).

`callback` and `check_back` come when the customer is to be called.
"""


@dataclass(frozen=True)
class Scenario:
    """One scenario. `due`: clock → when it is due, as the scenario says it, in Shanghai.

    `breached`: all that was late.
    """

    id: str
    pack: str
    at: str
    text: str
    category: str
    severity: str
    steps: tuple[Step, ...]
    due: dict[str, str] = field(default_factory=dict)
    kind: str = "complaint"
    channel: str = "wechat"
    language: str = "zh"
    state: str = "closed"
    outcome: str | None = "upheld"
    cause: str | None = None
    cycle: int = 1
    breached: frozenset[str] = frozenset()
    level: int = 1
    later: tuple[str, ...] = ()


def do(name: str, after: timedelta = timedelta(), by: str | None = None, **body: Any) -> Step:
    return after, name, body, by


def taken(after: timedelta, *, contact: timedelta = timedelta()) -> tuple[Step, ...]:
    """Accepted so long after it came, and talked over so long after that."""
    return do("accept", after), do("contact", contact, restated=True, apologised=True)


def visited(
    after: timedelta, findings: str, *roles: str, witness: str = "客户签字"
) -> tuple[Step, ...]:
    """Two go there, and are there so long after."""
    return (
        do("plan_visit", visit_in=5, roles=roles),
        do("record_visit", after, visit="v1.1", findings=findings, photos=["p1"], witness=witness),
    )


def told(*after: timedelta) -> tuple[Step, ...]:
    """The customer hears how it goes, each time so long after the last step."""
    return tuple(do("reply", each, text="正在处理，请放心") for each in after)


def cause(code: str, after: timedelta = timedelta()) -> Step:
    return do("find_cause", after, code=code, text="经核查", preliminary=False, evidence=["记录"])


def decided(outcome: str = "upheld") -> tuple[Step, ...]:
    """Decided; what goes against the customer by two persons."""
    first = do("decide", outcome=outcome, reason="核查结果", evidence=["检测报告"], by="an")
    return (first, do("confirm_decision", by="su")) if outcome == "not_upheld" else (first,)


def solved(
    *actions: str, after: timedelta = timedelta(), impact: str = "影响客户使用"
) -> tuple[Step, ...]:
    """Proposed, accepted and done."""
    return (
        do("propose", after, actions=list(actions), impact=impact),
        do("answer", accepted=True, channel="phone"),
        *(
            do("execute", HOUR, action=f"a1.1.{at}", evidence=["回执"])
            for at in range(1, len(actions) + 1)
        ),
    )


def ended(
    outcome: str = "upheld", remedy: str = "已按方案办理", result: str = "satisfied"
) -> tuple[Step, ...]:
    """Told, asked when it is time, closed."""
    return (
        do("resolve", outcome=outcome, reason="已核查", remedy=remedy),
        do("callback", result=result),
        do("close"),
    )


POWER = (
    Scenario(
        "PWR-1", "power", "2026-03-03T10:20:00+08:00",
        "我家户号3300112233,换了智能电表以后电费比去年同期多一倍,空调都没怎么开,怀疑电表走得快,要求校表,多收的钱要退。",
        "PWR-MTR", "normal",
        (*taken(HOUR, contact=HOUR), do("mark", DAY, step="meter_tested", evidence=["误差 +6.5%"]),
         cause("meter_fault"), *decided(), *solved("换表", "退还多收电费"), *ended()),
        due={"acknowledge": "2026-03-03T10:25:00+08:00", "first_contact": "2026-03-04T10:20:00+08:00",
             "solution": "2026-03-10T18:00:00+08:00", "answer_limit": "2026-03-17T18:00:00+08:00"},
        cause="meter_fault", later=("remedies: PWR-C1 amount and approval", "insight: the batch's counter"),
    ),
    Scenario(
        "PWR-2", "power", "2026-03-07T21:40:00+08:00",
        "没接到任何催费通知就停电了,钱刚在微信交了,我妈在家吸氧,机器停了!",
        "PWR-ARR", "critical",
        (*taken(2 * MINUTE, contact=2 * MINUTE), do("start_clock", clock="reconnect_life_support", reason="家中有吸氧病人"),
         do("mark", step="debt_paid"),
         do("mark", 40 * MINUTE, step="reconnected", evidence=["复电照片"]), cause("notice_not_sent"), *decided(),
         *solved("书面致歉", "赔偿实际损失"), *ended(), do("check_back", result="satisfied")),
        due={"first_contact": "2026-03-07T21:50:00+08:00"}, channel="phone", cause="notice_not_sent", level=4,
        later=("remedies: PWR-C6", "lesson"),
    ),
    Scenario(
        "PWR-3", "power", "2026-03-06T19:05:00+08:00",
        "整栋楼没电一个多小时了,打了报修没人来修,家里有小孩",
        "PWR-REP", "high",
        (*taken(5 * MINUTE), do("plan_visit", visit_in=30, roles=("crew", "safety")),
         do("record_visit", 50 * MINUTE, visit="v1.1", findings="线路受损", photos=["p1"]),
         do("mark", 2 * HOUR, step="power_restored"), cause("weather"), *decided(), *solved("恢复供电并说明"),
         *ended(result="unreached")),
        due={"first_contact": "2026-03-06T20:05:00+08:00"}, cause="weather", breached=frozenset({"on_site"}), level=3,
        later=("incident: PWR-E1 and the group notice", "incident report"),
    ),
    Scenario(
        "PWR-4", "power", "2026-03-03T09:10:00+08:00",
        "The notice said power would be off 9:00–13:00 on Monday. It came back at 18:30. I run a small bakery and lost the whole afternoon. I want an explanation.",
        "PWR-PLN", "normal",
        (*taken(HOUR), cause("plan_overrun"), *decided("partly_upheld"), do("propose", actions=["解释原因"], impact="停业"),
         do("answer", accepted=False, channel="web"), do("ask_supervisor"), do("contact", DAY, apologised=True, restated=True),
         do("propose", actions=["超时短信提醒"], impact="停业"), do("answer", accepted=True, channel="phone"),
         do("execute", HOUR, action="a1.2.1", evidence=["已开通"]), do("tell_recourse", where=["12398"]),
         *ended("partly_upheld")),
        channel="web", language="en", outcome="partly_upheld", cause="plan_overrun", level=2,
        later=("remedies: goodwill's approval",),
    ),
)  # fmt: skip

CEMENT = (
    Scenario(
        "CEM-1", "cement", "2026-03-04T15:00:00+08:00",
        "我是农村自建房的,用你们42.5水泥打的楼面起砂、强度不够,一踩一层灰,编号2509-031。",
        "CEM-STR", "high",
        (*taken(30 * MINUTE), do("plan_visit", visit_in=1200, roles=("quality", "technical")),
         do("record_visit", 20 * HOUR, visit="v1.1", findings="河砂含泥，未养护", photos=["p1"], witness="客户签字"),
         do("mark", step="samples_sealed", evidence=["封样单"]), do("pause_clocks", reason="waiting_lab", note="样品送检"),
         *told(5 * HOUR, 20 * HOUR, 20 * HOUR), do("resume_clocks", 20 * HOUR, reason="waiting_lab"), cause("user_curing"), *decided("not_upheld"),
         *ended("not_upheld", remedy="免费技术指导"), do("check_back", result="satisfied")),
        due={"first_contact": "2026-03-04T17:00:00+08:00"}, channel="phone", outcome="not_upheld", cause="user_curing",
        level=2, later=("remedies: CEM-C7", "insight: CEM-E4"),
    ),
    Scenario(
        "CEM-2", "cement", "2026-03-03T09:30:00+08:00",
        "拉了400袋,抽了20袋过磅才982公斤,袋重不足,给个说法。",
        "CEM-WGT", "normal",
        (*taken(30 * MINUTE), do("give_task", what="内部手续", team="finance", due_in=20), *ended(remedy="抵扣 320 公斤，128 元")),
        cause=None, later=("remedies: the field limit", "insight: CEM-E3"),
    ),
    Scenario(
        "CEM-3", "cement", "2026-03-09T08:30:00+08:00",
        "28天强度报告至今未收到,工地停工等报验,请今日内提供。",
        "CEM-CRT", "high",
        (*taken(45 * MINUTE), do("mark", step="dispatched", days_ago=36), do("mark", step="report_sent", days_ago=30),
         do("mark", step="report_28d_sent", evidence=["报告"]),
         cause("certificate_flow"), *decided(), *solved("电子报告", "原件快递"), *ended()),
        channel="email", cause="certificate_flow", breached=frozenset({"report_28d"}), level=3,
        later=("survey: 4 of 5", "actions: owner and effect check"),
    ),
    Scenario(
        "CEM-4", "cement", "2026-03-03T10:00:00+08:00",
        "墙面抹灰三天就鼓包开裂,编号A2511",
        "CEM-SND", "high",
        (*taken(30 * MINUTE), *visited(HOUR, "墙面鼓包", "quality", "technical"), do("mark", step="samples_sealed"),
         *told(20 * HOUR, 20 * HOUR), do("mark", 8 * HOUR, step="lab_result"),
         cause("lab_error"), *decided(), *solved("退货并承担返工"), *ended()),
        cause="lab_error", breached=frozenset(), later=("incident: CEM-E1, freeze, recall check", "severity raised by the lab"),
    ),
)  # fmt: skip

PROPERTY = (
    Scenario(
        "PRP-1", "property", "2026-03-06T18:20:00+08:00",
        "小区儿童区护栏断了、旁边路灯也不亮,报修三天没人来,孩子差点摔了",
        "PRP-REP", "critical",
        (*taken(2 * MINUTE), *visited(8 * MINUTE, "护栏已断", "repair", "safety"), do("mark", 20 * MINUTE, step="made_safe"), do("give_task", what="排查同类设施", team="patrol", due_in=20),
         *told(3 * HOUR), do("mark", 2 * HOUR, step="repaired", evidence=["照片"]), do("finish_task", task="t1.1", finding="已检查 12 处"),
         cause("contractor"), *decided(), *solved("更换护栏"), *ended(), do("mark", 2 * DAY, step="recurrence_checked")),
        due={"first_contact": "2026-03-06T18:25:00+08:00"}, cause="contractor", level=4,
        later=("incident: team, list, notices", "survey"),
    ),
    Scenario(
        "PRP-2", "property", "2026-03-03T10:00:00+08:00",
        "物业费凭什么从1.8涨到2.3,公摊也看不懂,要求公开账目",
        "PRP-FEE", "normal",
        (*taken(HOUR), do("reply", text="物业费构成与用途说明"), cause("fee_not_published"), *decided("partly_upheld"),
         *solved("按协商 2.1 元执行并公示"), *ended("partly_upheld")),
        outcome="partly_upheld", cause="fee_not_published", later=("incident: PRP-E4, the meeting and its vote", "remedies: PRP-C2"),
    ),
    Scenario(
        "PRP-3", "property", "2026-03-08T23:10:00+08:00",
        "我被困在9号楼电梯里,十几分钟了,对讲没人应,我有心脏病!",
        "PRP-LFT", "critical",
        (*taken(2 * MINUTE), *visited(6 * MINUTE, "电梯停在八楼", "repair", "safety"), do("mark", step="own_staff_there"), do("mark", 15 * MINUTE, step="maintainer_there"),
         do("mark", step="made_safe"), cause("ageing"), *decided(), *solved("停梯检修", "经理上门"), *ended(),
         do("mark", DAY, step="recurrence_checked"), do("check_back", result="satisfied")),
        due={"first_contact": "2026-03-08T23:15:00+08:00"}, channel="phone", cause="ageing", level=4,
        later=("remedies: PRP-C5", "company review"),
    ),
    Scenario(
        "PRP-4", "property", "2026-03-03T14:00:00+08:00",
        "Your staff turned off our water because the management fee is in dispute. There is a baby here. I am calling 12345.",
        "PRP-UTL", "high",
        (*taken(10 * MINUTE), *visited(8 * MINUTE, "阀门被关", "repair", "manager"), do("start_clock", clock="supply_back", reason="停水催费"), do("mark", HOUR, step="supply_back"), cause("staff_attitude"), *decided(), *solved("恢复供水", "书面道歉"),
         *ended(), do("mark", DAY, step="recurrence_checked")),
        channel="app", language="en", cause="staff_attitude", later=("linked PRP-FEE case", "remedies: goodwill's approval", "lesson"),
    ),
)  # fmt: skip

CATERING = (
    Scenario(
        "CAT-1", "catering", "2026-03-03T12:40:00+08:00",
        "这道糖醋里脊又酸又硬,味道不好,跟上次完全不一样。",
        "CAT-TST", "normal",
        (*taken(2 * MINUTE), *ended(remedy="免费重做一份")),
        due={"table_response": "2026-03-03T12:45:00+08:00"}, channel="walk_in",
        later=("remedies: CAT-C1", "survey: would return", "actions: kitchen training"),
    ),
    Scenario(
        "CAT-2", "catering", "2026-03-08T08:15:00+08:00",
        "昨晚在你们店吃海鲜,我们四个人都上吐下泻,老人在医院输液,你们管不管?",
        "CAT-PSN", "critical",
        (*taken(4 * MINUTE), do("mark", step="medical_help_offered"), do("mark", 10 * MINUTE, step="food_sealed"),
         do("mark", HOUR, step="regulator_told", evidence=["报告回执"]), do("mark", HOUR, step="interim_told"), *told(timedelta()),
         cause("cleaning", 2 * HOUR),
         *decided(), *solved("承担医疗费"), *ended(), do("check_back", result="satisfied")),
        due={"first_contact": "2026-03-08T08:30:00+08:00", "regulator_report": "2026-03-08T10:15:00+08:00"}, channel="phone",
        cause="cleaning", level=4,
        later=("remedies: medical advance", "insight: other tables", "company review"),
    ),
    Scenario(
        "CAT-3", "catering", "2026-03-03T19:00:00+08:00",
        "结账多了茶位费、餐具费一共60,事先没告诉,菜单也没写,不退就打12315。",
        "CAT-BIL", "high",
        (*taken(20 * MINUTE), cause("price_not_shown"), *decided(), *solved("退还 60 元"), *ended()),
        channel="app", cause="price_not_shown", later=("remedies: CAT-C6", "actions: all stores checked"),
    ),
    Scenario(
        "CAT-4", "catering", "2026-03-03T20:00:00+08:00",
        "等了一个多小时才上菜,算了,下次不来了。",
        "CAT-WAI", "low",
        (do("accept", HOUR), *ended(remedy="致谢并记录")),
        kind="grumble", channel="social", later=("insight: EW-5, iceberg", "grumble to complaint", "actions: staffing_peak"),
    ),
)  # fmt: skip

ECOMMERCE = (
    Scenario(
        "ECM-1", "ecommerce", "2026-03-02T14:00:00+08:00",
        "订单E20251101778显示派送中已经四天了,快递一直没送,我急用!",
        "ECM-DLY", "normal",
        (*taken(HOUR), do("mark", HOUR, step="carrier_checked"), cause("address_error"), *decided(), *solved("改派快递", "补贴运费"),
         do("mark", step="redelivered"), *ended()),
        channel="chat", cause="address_error", later=("remedies: ECM-C1", "survey at 48 h", "insight: ECM-E7"),
    ),
    Scenario(
        "ECM-2", "ecommerce", "2026-03-03T09:00:00+08:00",
        "你们卖的充电宝充电时爆炸起火,我手烫伤去了医院,沙发烧了。",
        "ECM-SAF", "critical",
        (*taken(5 * MINUTE), cause("supplier_quality", 2 * HOUR), *decided(), *solved("停售", "赔偿损失"), *ended()),
        due={"first_contact": "2026-03-03T09:15:00+08:00"}, channel="app", cause="supplier_quality", level=4,
        later=("remedies: damages", "incident: ECM-E3, recall decision"),
    ),
    Scenario(
        "ECM-3", "ecommerce", "2026-03-12T10:00:00+08:00",
        "You received my return on 1 November (tracking RT8812). Today is the 12th and there is still no refund of 899. I have asked three times.",
        "ECM-RFD", "high",
        (*taken(20 * MINUTE), do("mark", step="goods_received", days_ago=11), cause("refund_process"), *decided(),
         *solved("退款 899 元"), *ended()),
        channel="email", language="en", cause="refund_process", level=3, breached=frozenset({"refund_after_return"}),
        later=("remedies: the refund's reference",),
    ),
    Scenario(
        "ECM-4", "ecommerce", "2026-03-03T09:00:00+08:00",
        "冒充你们客服打来,知道我的订单和地址,骗走我8600,客服电话13700000000。",
        "ECM-PRI", "critical",
        (*taken(5 * MINUTE), do("contact", promised={"what": "专线 13700000000 回电", "by_in": 4}), cause("data_leak", HOUR), *decided(),
         *solved("通报与止损"), *ended()),
        cause="data_leak", level=4, later=("incident: ECM-E5, the duty to notify",),
    ),
)  # fmt: skip

AUTOMOTIVE = (
    Scenario(
        "AUT-1", "automotive", "2026-03-03T09:00:00+08:00",
        "碰撞时安全气囊没有弹出,我额头缝了五针,车架号LSVAA…001234。",
        "AUT-AIR", "critical",
        (*taken(5 * MINUTE), do("mark", HOUR, step="on_site"), do("mark", step="spare_car_given"), do("mark", HOUR, step="evidence_secured"), do("mark", step="defect_analysis_started"), cause("assembly", HOUR),
         *decided(), *solved("停驶并免费更换气囊"), *ended()),
        due={"first_contact": "2026-03-03T09:15:00+08:00"}, cause="assembly", level=4, later=("incident: AUT-E1 and E2, the campaign and its waves",),
    ),
    Scenario(
        "AUT-2", "automotive", "2026-03-07T20:15:00+08:00",
        "高速上刹车失灵,踩到底都没用,差点出大事,车停在服务区,车上有孩子。",
        "AUT-BRK", "critical",
        (*taken(5 * MINUTE), do("mark", HOUR, step="on_site"), do("mark", step="spare_car_given"), do("mark", step="evidence_secured"),
         do("mark", step="defect_analysis_started"), cause("assembly", 2 * HOUR), *decided(), *solved("更换车辆"), *ended()),
        due={"first_contact": "2026-03-07T20:30:00+08:00"}, channel="phone", cause="assembly", level=4,
        later=("remedies: AUT-C1",),
    ),
    Scenario(
        "AUT-3", "automotive", "2026-03-03T10:00:00+08:00",
        "同一故障变速箱顿挫修了五次,累计38天,要求按三包换车。",
        "AUT-WAR", "high",
        (*taken(30 * MINUTE), do("record_facts", values={"what_happened": "同一故障修五次，累计 38 天"}), cause("diagnosis"), *decided(),
         *solved("按三包换车"), *ended()),
        channel="email", cause="diagnosis", later=("remedies: AUT-C2 and the company's approval", "insight: AUT-E4"),
    ),
    Scenario(
        "AUT-4", "automotive", "2026-03-03T10:00:00+08:00",
        "The dealer says call the manufacturer, the manufacturer says call the dealer. My car has waited 12 days for a part and I have no car. This is my third message.",
        "AUT-PRT", "high",
        (*taken(20 * MINUTE), do("give_task", what="核实到件日期", team="parts", due_in=20), do("mark", HOUR, step="spare_car_given"),
         do("finish_task", task="t1.1", finding="周五到件"), do("reply", 20 * HOUR, text="The part comes on Friday."),
         do("reply", 20 * HOUR, text="The part has arrived."), cause("parts_supply"), *decided(), *solved("提供备用车"), *ended()),
        channel="chat", language="en", cause="parts_supply", later=("remedies: AUT-C3 for 7 days",),
    ),
)  # fmt: skip

SCENARIOS = (*POWER, *CEMENT, *PROPERTY, *CATERING, *ECOMMERCE, *AUTOMOTIVE)
