"""Chinese names where the words around them tell: a title, an introduction, a role, a label, a signature.

Each place where a surname stands is looked at once, by what comes before it and what comes after.
"""

import re
from collections.abc import Iterator
from typing import Final

from shared.masking.spans import Find

# The most frequent surnames: nineteen of twenty people have one of these. Those that are mostly other words are left
# out (and so are their bearers): 和 时 明 成 平 水 应 能 有 后 当 从 经 全 车.
_SURNAMES: Final = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈"
    "钟姜崔谭陆范汪廖石金韦贾夏付傅方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤康易"
    "乔赖文庞樊兰殷施洪翟安颜倪牛温芦季俞章鲁葛伍申尤毕聂柴焦欧耿关柯卓宁阎骆苗凌萧祝辛管甄路涂邢裴翁霍路庄池柴岳宗佟邝詹桑屈裘褚娄桂瞿窦戚冉游阮浦仇蒲麦迟华鄢禹郁储戈"
)
_COMPOUND: Final = "欧阳|上官|司马|诸葛|司徒|慕容|皇甫|尉迟|公孙|令狐|夏侯|东方|南宫|宇文|端木"
SURNAME: Final = re.compile(f"[{_SURNAMES}]|{_COMPOUND}")
_ALSO_WORDS: Final = frozenset("安方马常高白金向任路江石易康孔温万季关于连严古计")
"""Surnames that begin everyday words too: 安排, 马上, 方便."""
_HAN: Final = "\u4e00-\u9fff"
# What follows a name and can hardly be its last character.
_NEVER_GIVEN: Final = (
    "的了是在住有要和说来到我你他她您们女不没也都就想买投于家电手号这那把被给向对昨上下后因但请打收催让跟与及或吧吗"
    "呢啊呀很还再又已将会能应该自至退换修问叫用做去等个区市县镇乡村街楼栋室员客户店厂态服推拒骂吼挂辱威告负"
)
_GIVEN: Final = f"[^\\W\\da-zA-Z_{_NEVER_GIVEN}]"
_TITLES: Final = (
    "先生|女士|小姐|太太|师傅|经理|主任|主管|老师|医生|护士|阿姨|大爷|大妈|大叔|叔叔|大姐|大哥|警官|律师|教授|老板|"
    "总监|店长|站长|班长|队长|科长|处长|局长|书记|院长|同志|工程师|会计|管家|总(?![体共是之计量额部结数的在])|工(?![作人程资厂地期单具业费])"
)
_ROLES: Final = frozenset(
    [
        "业务员",
        "客服代表",
        "客服专员",
        "客服",
        "工作人员",
        "维修工",
        "维修员",
        "安装工",
        "安装师傅",
        "师傅",
        "保安",
        "管家",
        "物业经理",
        "客户经理",
        "销售经理",
        "店员",
        "员工",
        "快递员",
        "外卖员",
        "骑手",
        "收费员",
        "抄表员",
        "服务员",
        "营业员",
        "售后",
        "导购",
        "顾问",
        "医生",
        "护士",
        "老师",
        "教练",
        "主管",
        "店长",
        "房东",
        "邻居",
        "司机",
        "经办人",
        "负责人",
        "值班员",
        "接待员",
        "调度",
        "工程师",
        "业主",
        "租户",
        "户主",
        "车主",
        "患者",
        "老人",
        "丈夫",
        "妻子",
        "老公",
        "老婆",
        "父亲",
        "母亲",
        "爱人",
        "我爸",
        "我妈",
        "公公",
        "婆婆",
        "岳父",
        "岳母",
        "外公",
        "外婆",
        "姥姥",
        "姥爷",
        "弟弟",
        "哥哥",
        "姐姐",
        "妹妹",
        "老客户",
        "客户",
        "班主任",
        "卖家",
        "主播",
        "保姆",
        "儿媳",
        "女婿",
        "孙子",
        "孙女",
        "爷爷",
        "奶奶",
        "爸爸",
        "妈妈",
        "儿子",
        "女儿",
        "朋友",
        "同事",
        "机主",
    ]
)
_LABELS: Final = frozenset(
    [
        "姓名",
        "户名",
        "名字",
        "联系人",
        "投诉人",
        "申请人",
        "反映人",
        "举报人",
        "收件人",
        "收货人",
        "寄件人",
        "户主",
        "业主",
        "车主",
        "机主",
        "开户人",
        "持卡人",
        "患者",
        "代理人",
        "委托人",
        "经办人",
        "署名",
        "落款",
        "签名",
        "签字",
        "客户",
        "用户",
        "本人姓名",
        "客户姓名",
        "用户姓名",
        "真实姓名",
    ]
)
_SPEAKERS: Final = frozenset(["客户", "用户", "业主", "户主", "车主", "机主", "患者"])
"""Labels that stand before what somebody says too, as in the record of a call: `客户：空调坏了`."""
WITH_ROLE: Final = (*_ROLES, *_LABELS, "员", "工")
_SPEAKER_LABELS: Final = tuple(_SPEAKERS)
_NAME_LABELS: Final = tuple(_LABELS - _SPEAKERS)
"""What stands after these is a name, whatever it is."""
_INTRODUCED: Final = ("叫", "叫做", "叫作")
_SPEAKING: Final = ("我是", "这是", "本人", "本人是", "俺是", "我系", "户名")
_SIGNED: Final = ("敬礼", "敬礼！", "敬礼!", "敬礼。", "敬上", "敬上：", "敬上:")
_END: Final = rf"(?=[^{_HAN}]|\Z|[的是在和与说来住]|家住|电话|手机|身份证|联系|反映|投诉)"
_TITLED: Final = re.compile(rf"{_GIVEN}{{0,2}}?(?=(?:{_TITLES}))")
_WHOLE: Final = re.compile(rf"{_GIVEN}{{1,2}}{_END}")
_SHORT: Final = re.compile(rf"{_GIVEN}(?=[{_NEVER_GIVEN}，。,！!？?\s])")
_ANY_GIVEN: Final = re.compile(rf"{_GIVEN}{{1,2}}")
_WITH_CONTACT: Final = re.compile(
    rf"{_GIVEN}{{1,2}}(?=[\s，,、]?[（(]?\s?(?:电话|手机|身份证|联系方式|\0)|收[，,。；\s])"
)
_SIGNING: Final = re.compile(
    rf"{_GIVEN}{{1,2}}(?=\s{{0,2}}(?:敬上|上|谨启|字|呈)?\s{{0,4}}(?:\Z|[\n\0（(，,]|20\d\d|\d{{1,2}}月))"
)
_LABELLED: Final = re.compile(rf"[：:]\s{{0,2}}([{_HAN}]{{2,4}})(?=[\s，。,;；、]|\Z)")
_IS_SPOKEN_TO: Final = re.compile("[，,：:说你您好]")
_NO_SURNAME: Final = ("施工", "安装", "谢谢", "安检")
_NO_SURNAME_WITH: Final = ("保安", "园丁", "公安", "谢谢")
"""Words in which a surname stands, before a title: 保安大哥."""
_IS_HAN: Final = re.compile(f"[{_HAN}]")
CUE: Final = 8
"""Characters looked at before a surname."""
_TAIL: Final = 300
"""Characters from the end in which somebody signs."""


def chinese_names(text: str) -> Iterator[Find]:
    """Names, in no order, perhaps one over another."""
    tail = len(text) - _TAIL
    for match in SURNAME.finditer(text):
        start = match.start()
        before = text[max(0, start - CUE) : start]
        end = _titled(text, match) or _told(text, match, before)
        if end is None and start >= tail and _begins(before):
            end = _end(_SIGNING, text, match)
        if end is not None:
            yield start, end, "name"
    for match in _LABELLED.finditer(text):
        if text[max(0, match.start() - CUE) : match.start()].endswith(_NAME_LABELS):
            yield match.start(1), match.end(1), "name"


def _titled(text: str, surname: re.Match[str]) -> int | None:
    """王女士, 李建国先生; but 施工."""
    end = _end(_TITLED, text, surname)
    start = surname.start()
    is_other = text.startswith(_NO_SURNAME, start) or text.startswith(
        _NO_SURNAME_WITH, max(0, start - 1)
    )
    return None if end is None or is_other else end


def _told(text: str, surname: re.Match[str], before: str) -> int | None:
    """Where a name ends that the words before it announce; None where nothing does."""
    if before.endswith("姓"):
        return None if text[surname.end() : surname.end() + 1] in ("名", "氏") else surname.end()
    if before.endswith(_INTRODUCED) or _is_label(before, _NAME_LABELS):
        return _end(_ANY_GIVEN, text, surname)
    if before.endswith(_SPEAKING) or _is_label(before, _SPEAKER_LABELS):
        return _end(_WHOLE, text, surname)
    if before.endswith(WITH_ROLE):
        return _with_role(text, surname)
    if before[-1:] in ("小", "老") and not _IS_HAN.match(before[-2:-1]):
        return surname.end() if _IS_SPOKEN_TO.match(text, surname.end()) else None
    return None if _IS_HAN.match(before[-1:]) else _end(_WITH_CONTACT, text, surname)


def _is_label(before: str, labels: tuple[str, ...]) -> bool:
    """姓名：, 联系人是."""
    plain = before.rstrip()
    return plain[-1:] in ("：", ":", "是", "为") and plain[:-1].endswith(labels)


def _with_role(text: str, surname: re.Match[str]) -> int | None:
    """客服刘倩, 师傅张伟. A surname that begins a word too needs an end that shows."""
    end = _end(_WHOLE, text, surname) or _end(_SHORT, text, surname)
    if end is None and surname[0] not in _ALSO_WORDS:
        end = _end(_ANY_GIVEN, text, surname)
    return end


def _begins(before: str) -> bool:
    """Whether a line or sentence begins here, as a signature does."""
    plain = before.rstrip(" \u3000")
    return plain[-1:] in ("", "\n", "。", "！", "!", "—", "–", "-") or plain.rstrip().endswith(
        _SIGNED
    )


def _end(pattern: re.Pattern[str], text: str, surname: re.Match[str]) -> int | None:
    found = pattern.match(text, surname.end())
    return found.end() if found else None
