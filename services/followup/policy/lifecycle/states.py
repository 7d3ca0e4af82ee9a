"""Where a case can be."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from services.followup.policy.lifecycle.table import State
from shared.contracts.values import CaseStateName

STATES: Final[Mapping[CaseStateName, State]] = MappingProxyType(
    {
        state.name: state
        for state in (
            State("received", "已接收", "Received", "已收到，正在安排专人处理", "We have it and are finding the right person"),
            State("assigned", "已派单", "Assigned", "已安排专人负责", "Somebody is responsible for it"),
            State("accepted", "已受理", "Accepted", "专人正在处理", "It is being worked on"),
            State("investigating", "调查中", "Investigating", "正在查明原因", "We are finding out what happened"),
            State("solution_proposed", "方案已提出", "Solution proposed", "方案已提出", "We have proposed a solution"),
            State("executing", "执行中", "Executing", "正在落实方案", "The solution is being carried out"),
            State("resolved", "已解决", "Resolved", "已处理完毕，结果已告知您", "It is done and you were told the result"),
            State("callback", "回访中", "Callback", "将回访您，确认问题是否解决", "We are asking you whether it is solved"),
            State("closed", "已关闭", "Closed", "已办结", "Closed"),
            State("withdrawn", "已撤回", "Withdrawn", "已撤回", "Withdrawn"),
        )
    }
)  # fmt: skip
