"""A day of complaints, made up: six industries, all kinds, two languages, most ways in. Nobody in it is real."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

Industry = Literal["power", "cement", "property", "catering", "e-commerce", "cars"]


class Arrival(NamedTuple):
    """One complaint of the day; `ending` what the customer says in the end, where it is followed."""

    industry: Industry
    channel: str
    text: str
    name: str
    contact: tuple[str, str] | None
    references: Mapping[str, str] = {}
    ending: Literal["satisfied", "neutral", "dissatisfied"] | None = None


def _mail(name: str) -> tuple[str, str]:
    return "email", f"{name}@example.com"


DAY: Final[tuple[Arrival, ...]] = (
    Arrival("power", "wechat", "家里换了智能电表以后，电费比去年同期多了一倍，空调都没怎么开。怀疑电表走得快，要求校表，多收的钱要退。",
            "陈志远", _mail("chen.zhiyuan"), {"account": "3300112233"}, "satisfied"),
    Arrival("power", "phone", "没接到任何催费通知就停电了，我妈在家吸氧，机器停了！请马上处理！", "周敏", ("phone", "+8613800138001")),
    Arrival("power", "web",
            "The notice said the power would be off from 9 to 1. It came back at 6:30 pm. I run a small bakery and lost "
            "the whole afternoon. I want an explanation.", "Hannah Cole", _mail("hannah.cole"), {}, "neutral"),
    Arrival("power", "app", "请问充电桩单独装表需要什么材料，在哪里办？", "孙涛", _mail("sun.tao")),
    Arrival("power", "phone", "表扬一下昨晚来抢修的两位师傅，下着大雨，一个小时就修好了，非常感谢你们！", "吴桂兰", ("phone", "+8613800138002")),
    Arrival("power", "email", "I suggest that you send a text message when an outage takes longer than announced.",
            "Oliver Grant", _mail("oliver.grant")),
    Arrival("cement", "phone", "我是自建房的，用你们42.5的水泥打的楼面起砂，强度不够，一踩一层灰，要求检测，给个说法。",
            "马德胜", ("phone", "+8613800138003"), {"batch_no": "2509-031"}, "satisfied"),
    Arrival("cement", "wechat", "拉了四百袋，抽了二十袋过磅才九百八十二公斤，袋重不足，要求赔偿差额。", "郭建军", _mail("guo.jianjun"),
            {"order": "C20260418"}),
    Arrival("cement", "email",
            "The 28-day strength report for our delivery has not arrived and the site is standing still. Please send it "
            "today.", "Peter Novak", _mail("peter.novak"), {"delivery": "D-77120"}, "satisfied"),
    Arrival("cement", "letter", "送货司机态度恶劣，卸货时把我家院墙撞坏了，没人管。", "韩秀英", ("address", "幸福村 12 号")),
    Arrival("cement", "walk_in", "你们送货倒是快，就是每次袋子都破几个，唉，算了，懒得说了。", "赵铁柱", None),
    Arrival("property", "app", "小区儿童区护栏断了，旁边路灯也不亮，报修三天没人来，孩子差点摔了！", "林晓雯", _mail("lin.xiaowen"),
            {"room": "3-1-402"}, "satisfied"),
    Arrival("property", "phone", "我被困在9号楼电梯里十几分钟了，对讲没人应，我有心脏病！", "何永强", ("phone", "+8613800138004")),
    Arrival("property", "app",
            "Your staff turned off our water because the management fee is in dispute. There is a baby here. This is "
            "unacceptable.", "Sara Lindqvist", _mail("sara.lindqvist"), {"room": "7-2-1103"}, "dissatisfied"),
    Arrival("property", "wecom", "物业费凭什么从1.8涨到2.3，公摊也看不懂，要求公开账目。", "田立新", _mail("tian.lixin")),
    Arrival("property", "miniapp", "建议在地下车库入口加一面反光镜，转弯的时候看不见行人。", "罗薇", _mail("luo.wei")),
    Arrival("property", "chat", "Whatever, the lobby smells of smoke again. Never mind, I give up.", "anonymous", None),
    Arrival("catering", "walk_in", "这道糖醋里脊又酸又硬，味道不好，跟上次完全不一样，要求换一份。", "谢雨桐", _mail("xie.yutong"),
            {"table": "12"}, "satisfied"),
    Arrival("catering", "app", "昨天吃了你们的外卖，晚上一家三口都拉肚子，孩子还发烧，去医院花了钱，要求赔偿！", "高明", _mail("gao.ming"),
            {"order": "M88231907"}),
    Arrival("catering", "social",
            "There was a piece of plastic in my soup and the waiter just shrugged. I demand an apology and a refund.",
            "Jack Moreno", _mail("jack.moreno"), {"order": "T-5521"}, "satisfied"),
    Arrival("catering", "phone", "请问春节期间营业时间是几点到几点？可以订二十人的包间吗？", "曹静", ("phone", "+8613800138005")),
    Arrival("catering", "web", "Thank you so much to the team on Sunday: wonderful service, and very patient with our kids.",
            "Amelia Wong", _mail("amelia.wong")),
    Arrival("e-commerce", "chat", "买的净水器显示签收，可我一直没收到，客服让我等了八天，还没解决，要求退款。", "邓佳", _mail("deng.jia"),
            {"order": "E20261109331"}, "satisfied"),
    Arrival("e-commerce", "email",
            "The jacket arrived with a torn sleeve and you refuse to refund the postage. I want my money back.",
            "Louise Becker", _mail("louise.becker"), {"order": "E20261110452"}, "neutral"),
    Arrival("e-commerce", "app", "充电宝充电的时候冒烟烧起来了，桌子烧坏了，手也烫伤了，必须给我一个说法！", "沈浩", _mail("shen.hao"),
            {"order": "E20261107118"}),
    Arrival("e-commerce", "web", "How do I change the delivery address of an order that I have already paid for?",
            "Tom Fisher", _mail("tom.fisher"), {"order": "E20261112900"}),
    Arrival("e-commerce", "wechat", "你们客服小李特别耐心，帮我把发错的货一次换好，为你们点赞！", "苏婷", _mail("su.ting")),
    Arrival("cars", "phone", "新车开了三天，高速上刹车突然变软，差点追尾，要求检测并换车！", "魏东", ("phone", "+8613800138006"),
            {"vin": "LSVAA4182E2100001"}),
    Arrival("cars", "app", "4S店说三天修好，现在十天了还没修好，一直推脱，没人给我说法，要求提供代步车。", "唐莉", _mail("tang.li"),
            {"repair_order": "R-20261101-07"}, "satisfied"),
    Arrival("cars", "web",
            "The invoice of my service lists parts that were never replaced: I was overcharged and expect a refund.",
            "Daniel Schmidt", _mail("daniel.schmidt"), {"repair_order": "R-20261112-02"}, "satisfied"),
    Arrival("cars", "miniapp", "希望能增加周日的保养预约，平时上班实在没有时间。", "许凯", _mail("xu.kai")),
    Arrival("cars", "social", "Waited two hours for a booked appointment. Typical. Never again.", "Maria Rossi", None),
)  # fmt: skip
"""In the order in which they come in."""
