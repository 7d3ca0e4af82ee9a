"""Chinese names without a word that announces them: what a dictionary with a model of names takes for one (rjieba).

Many words begin with a surname: 汤里, 张嘴, 安全带. What begins with such a one counts only where people stand: at the
beginning of a clause or after 给, 跟, 找, and before what people do.
"""

import re
from collections.abc import Iterator
from typing import Final

from shared.masking.chinese import CUE, SURNAME, WITH_ROLE
from shared.masking.spans import Find

_PERSON: Final = frozenset({"nr", "nrfg", "nrt"})
_LONGEST: Final = 3
_WEAK: Final = frozenset(
    "安汤钱白毛戴石关付柴祝郁桑岳桂牛姜温康顾雷龙易章金柯文方于余时向常江路万季连严古计任孔程成高明花"
)
"""Surnames with which more words begin than names."""
_WEAK_WITH_ONE: Final = _WEAK | frozenset("张孙黄马胡谢杨夏陈李")
"""The same, where one character follows."""
_WORDS: Final = frozenset(
    [
     "梁和柱", "文科生", "胡同口", "黄小灯", "谢师宴", "马拉松", "黄不拉", "夏令营", "谢谢", "谢谢您", "谢谢你", "孙子", "孙女", "顾问", "雷阵雨", "龙卷风", "高利贷",
     "高压锅", "高血压", "金刚石", "马蹄莲", "黄梅天", "孙媳妇", "马铃薯", "胡萝卜", "黄鼠狼", "张罗着", "高峰期", "康乃馨", "汤里", "汤全", "雷达",
     "白银", "黄金", "张口", "张嘴", "顾客", "钱照", "柴火垛", "刘海", "安排", "安静", "高峰", "毛巾", "岳父", "岳母", "桂花"]
)  # fmt: skip
_AFTER: Final = re.compile(
    "(?:\\A|[\\s，。！？、；：:（(,!?;—\\-]|[给跟和与找请被让问对向由叫是同据连比替帮陪的])\\Z"
)
_DOES: Final = re.compile(
    "[，。、！？,（(\\s]|\\Z|[说讲来打给让答承把在骂收拿接挂告保回那这去跟负看送帮拆装修叫要又也就没不还和与家女先师经老]|态度|[骗摔撞欺推避连]"
)


def tagged_names(text: str) -> Iterator[Find]:
    """Names, in order."""
    import rjieba  # what has no Chinese in it needs no dictionary

    at, name = 0, ""
    for word, tag in rjieba.tag(text):
        if tag in _PERSON and len(name) + len(word) <= _LONGEST:
            name += word
        elif name:
            if _is_name(text, name, at - len(name)):
                yield at - len(name), at, "name"
            name = word if tag in _PERSON and len(word) <= _LONGEST else ""
        at += len(word)
    if name and _is_name(text, name, at - len(name)):
        yield at - len(name), at, "name"


def _stands(before: str) -> bool:
    """Whether a person may stand after this."""
    return bool(_AFTER.search(before)) or before.endswith(WITH_ROLE)


def _is_name(text: str, name: str, start: int) -> bool:
    surname = SURNAME.match(name)
    if surname is None or len(name) <= surname.end() or name in _WORDS:
        return False
    weak = _WEAK_WITH_ONE if len(name) - surname.end() == 1 else _WEAK
    if name[0] not in weak:
        return True
    before = text[max(0, start - CUE) : start]
    return _stands(before) and bool(_DOES.match(text, start + len(name)))
