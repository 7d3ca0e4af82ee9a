"""The table as a page for people, in both languages."""

from typing import Final

from services.followup.policy.lifecycle.commands import COMMANDS
from services.followup.policy.lifecycle.guards import GUARDS
from services.followup.policy.lifecycle.states import STATES
from services.followup.policy.lifecycle.table import Command, Who

WHO: Final[dict[Who, str]] = {
    "anyone": "",
    "owner": " (of handlers only its own)",
    "not_owner": " (not the case's handler)",
    "second_person": " (another person than who decided; no key)",
    "approver": " (another person than who proposed, within their limit; no key)",
}
HEAD: Final = """\
A key with `followup:write` may issue every command but those of a second person; of staff only the roles named.
✓: the customer too, with number and code. 带权限的密钥可执行除复核外的所有操作；✓ 表示客户凭编号和查询码也可执行。

| Command | 中文 | What it does | In states | By | ✓ | Needs | Records | Leads to |
|---|---|---|---|---|---|---|---|---|"""
NOTES: Final = """\
A dissatisfied `callback` reopens the case: the next cycle, at a higher level. 回访不满意即重新打开，进入下一轮并升级。

**The full way / 完整流程**: accept → contact → find_cause → decide → propose → answer → execute → resolve → callback →
close. A critical complaint goes it whole. 严重投诉必须走完整流程。

**The short way / 当场解决**: accept → contact → resolve → callback → close. Whoever settles a matter on the spot says
cause, remedy and outcome in one `resolve`; a grumble, inquiry, suggestion or praise needs no talk before. What was begun
step by step is finished step by step: a proposal is answered, what was accepted is done.
当场解决的，原因、补救与认定在 `resolve` 中一次说明；抱怨、咨询、建议、表扬无须先联系。已提出的方案须有答复，已接受的须执行完毕。

**Not upheld / 认定不成立** needs evidence, a second person, and how the customer was helped all the same.
须有证据、第二人复核，并说明提供了什么帮助。

**Closing / 关闭**: told the outcome; agreed, or told where else to turn (where nobody agreed, the letter of the closing
tells it); callback settled. 已告知结果；客户认可，或已告知其他途径；回访已完成。

**The same in other words / 其他叫法**:

| Four golden steps / 黄金四步 (S003) | Six steps / 六步 (S000) | Here |
|---|---|---|
| 倾听与确认 | 倾听 | `received` `assigned` `accepted`; `contact` heard and restated |
| 理解与同理 | 致歉 | `contact` or `reply` with `apologised` |
| 解决问题与补偿 | 原因分析、解决方案、立即执行 | `investigating` `solution_proposed` `executing` `resolved` |
| 反馈与改进 | 跟进实施 | `callback` `closed` |
"""


def lifecycle_markdown() -> str:
    """The table as a page."""
    lines = ["# The life of a case / 工单的生命周期", "", "## States / 状态", "",
             "| State | 中文 | In words | To the customer | 对客户 |", "|---|---|---|---|---|"]  # fmt: skip
    lines += [
        f"| `{one.name}` | {one.zh} | {one.en} | {one.customer_en} | {one.customer_zh} |"
        for one in STATES.values()
    ]
    lines += ["", "## Commands / 操作", "", HEAD]
    lines += [_row(one) for one in COMMANDS.values()]
    lines += [
        "",
        NOTES,
        "## Facts that commands need / 前提",
        "",
        "| Fact | Missing | 缺少时 |",
        "|---|---|---|",
    ]
    lines += [f"| `{one.name}` | {one.message} | {one.zh} |" for one in GUARDS.values()]
    return "\n".join(lines) + "\n"


def _row(one: Command) -> str:
    cells = [f"`{one.name}`", one.zh, one.en, _codes(one.states), ", ".join(one.roles) + WHO[one.who],
             "✓" if one.for_customers else "", _codes(one.guards), ", ".join(one.facts),
             f"`{one.to}`" if one.to else "—"]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _codes(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "—"
