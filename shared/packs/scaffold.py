"""The files a new pack begins with: one that loads as it is, with an example of each part to take the `# ` away from.

Lines that begin with `## ` explain, lines that begin with `# ` are examples.
"""

from datetime import date
from string import Template
from typing import Final

from shared.packs.model import Pack

_PACK: Final = Template("""\
## 策略包 $id：在 $parent 之上，只写与它不同的部分；同 code 的条目整条替换，新的追加，`{code: X, dropped: true}` 去掉。
## The pack $id, laid over $parent: write only what differs. An item with the same code replaces the whole inherited one,
## a new code is added, `{code: X, dropped: true}` takes one out.
## 改完 / when done:  redress packs check $id   redress packs diff $base $id   redress simulate --pack $id
## 每次投入使用都用新的 version（已加入的版本不可改）/ a version that was added never changes: count it up each time.
pack:
  id: $id
  version: "1.0"
  name: {zh: $id, en: $id}   ## 填写名称 / fill in
  inherits: $parent
  in_force_from: $day

## 大额投诉的界限（元）/ from which amount a complaint counts as large, in CNY
# thresholds:
#   large_amount: "3000"
#   large_amount_business: "30000"

## 班组：谁来处理 / teams: who answers
# teams:
#   - {code: $team, name: {zh: 门店服务组, en: Shop service}, skills: [communication]}
""")

_UNDERSTANDING: Final = Template("""\
## 类别：写客户会说的词，中英文都要 / categories: words as customers say them, in zh and en
# taxonomy:
#   - code: $code
#     name: {zh: 门店排队, en: Queues in the shop}
#     group: service
#     base_severity: normal
#     team: $team
#     keywords:
#       zh: [排队太久, 排了两个小时, 叫号不准]
#       en: [queued for hours, long queue, waited in line]

## 征象：出现即提高严重度（high 或 critical）/ cues: what raises the severity, to high or critical
# cues:
#   - id: $cue
#     name: {zh: 老人或孕妇久候, en: Elderly or pregnant people kept waiting}
#     effect: high
#     examples:
#       zh: [孕妇站了, 老人站了]
#       en: [pregnant and standing, elderly and standing]

## 例句：每类 15 句以上，一半中文一半英文，像客户那样写 / examples: 15 or more a category, half zh, half en
# examples:
#   - category: $code
#     texts:
#       - 取个号等了两个钟头，窗口就开一个
#       - Only one counter open and forty people waiting.
#       - {text: 我媳妇怀着孕，孕妇站了一个半小时没人管, cues: [$cue]}
#       - {text: What time is the shop least busy?, kind: inquiry}
""")

_TIME: Final = Template("""\
## 日历与时限。单位：m h d w 按日历走，wm wh wd 按工作时间 / m h d w elapse on the wall, wm wh wd in working time
# calendars:
#   - id: shop_hours
#     name: {zh: 门店营业时间, en: Shop hours}
#     open: {daily: ["09:00-21:00"]}

## 与继承的 clock 同名者整条替换；目标不得超过法定期限 / same name replaces; never promise past a statutory limit
# clocks:
#   - name: shop_answer
#     title: {zh: 门店答复, en: Answer by the shop}
#     stops: contacted
#     categories: [$code]
#     targets: {critical: 30m, high: 2h, normal: 1wd, low: 2wd}
#     calendar: shop_hours
""")

_TEMPLATES: Final = Template("""\
## 模板：每个变量都可能缺失，缺失时也要通顺 / each variable may be missing: the text must read well without it
# templates:
#   - id: shop_sorry
#     variables: [name, number]
#     zh:
#       subject: "让您久等了{% if number %}（编号 {{ number }}）{% endif %}"
#       body: |
#         {% if name %}{{ name }}，您好：{% else %}您好：{% endif %}
#         让您久等，我们很抱歉，已安排增开窗口。
#     en:
#       subject: "We kept you waiting{% if number %} ({{ number }}){% endif %}"
#       body: |
#         {% if name %}Dear {{ name }},{% else %}Hello,{% endif %}
#         We are sorry to have kept you waiting; more counters will be open.
""")
_FILES: Final = {
    "pack.yaml": _PACK,
    "understanding.yaml": _UNDERSTANDING,
    "time.yaml": _TIME,
    "templates.yaml": _TEMPLATES,
}


def scaffold(pack_id: str, *, parent: Pack, day: date) -> dict[str, str]:
    """The files of a new pack over `parent`, by name; `day` is from when it may be in force."""
    prefix = pack_id.upper().replace("_", "-")[:12]
    words = {
        "id": pack_id,
        "parent": parent.ref,
        "base": parent.pack.id,
        "day": day.isoformat(),
        "code": f"{prefix}-QUE",
        "team": f"{pack_id[:40]}_shop",
        "cue": f"{pack_id[:40]}_frail_waiting",
    }
    return {
        name: text.substitute(words).replace("   ## ", "   # ") for name, text in _FILES.items()
    }
