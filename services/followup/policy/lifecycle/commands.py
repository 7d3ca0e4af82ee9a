"""What can be done to a case: a row a command. What each is sent with and adds stands in `policy/commands`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from services.followup.policy.commands import (
    calling,
    ending,
    handling,
    helping,
    remedying,
    solving,
    timing,
)
from services.followup.policy.lifecycle.table import Command
from shared.contracts.desk import Role
from shared.contracts.values import CaseStateName

WORKING: Final[tuple[CaseStateName, ...]] = (
    "assigned",
    "accepted",
    "investigating",
    "solution_proposed",
    "executing",
)
WORK: Final[tuple[CaseStateName, ...]] = ("received", *WORKING)
TAKEN_ON: Final[tuple[CaseStateName, ...]] = WORKING[1:]
TOLD: Final[tuple[CaseStateName, ...]] = ("resolved", "callback")
OPEN: Final[tuple[CaseStateName, ...]] = ("received", *WORKING, *TOLD)
ENDED: Final[tuple[CaseStateName, ...]] = ("closed", "withdrawn")
ANY: Final[tuple[CaseStateName, ...]] = (*OPEN, *ENDED)
STAFF: Final[tuple[Role, ...]] = ("handler", "supervisor")
ASKING: Final[tuple[Role, ...]] = ("caller", "handler", "supervisor")
SEEING: Final[tuple[Role, ...]] = ("caller", "handler", "supervisor", "watch")

_TAKING: Final = (
    Command("accept", "受理", "Take the case on", ("received", "assigned"), STAFF, ("assigned",),
            ("accepted",), "accepted", handling.Accept, handling.accept, who="owner"),
    Command("refuse", "退回", "Give the case back: somebody else gets it", WORKING, STAFF, ("assigned",),
            ("refused",), "received", handling.Refuse, handling.refuse, who="owner"),
    Command("contact", "联系客户", "Record a talk with the customer, and what was promised", WORKING, STAFF,
            ("assigned",), ("contacted",), None, handling.Contact, handling.contact),
    Command("ask_customer", "询问客户", "Ask the customer up to three questions; they get a message", OPEN, STAFF,
            ("assigned",), ("asked", "replied"), None, handling.AskCustomer, handling.ask_customer),
    Command("record_facts", "记录事实", "Record what came to be known, and which questions that answers", OPEN, ASKING,
            (), ("facts_recorded",), None, handling.RecordFacts, handling.record_facts),
    Command("note", "备注", "Write a note for colleagues", ANY, SEEING, (), ("noted",), None,
            handling.Note, handling.note),
    Command("reply", "回复", "Answer the customer in free text or by a template; notify sends it", ANY, STAFF, (),
            ("replied",), None, handling.Reply, handling.reply),
    Command("keep_promise", "兑现承诺", "Record that what was promised happened", OPEN, STAFF, (), ("promise_done",),
            None, helping.KeepPromise, helping.keep_promise),
    Command("ask_supervisor", "要求主管介入", "Have a supervisor look at it", ("received", *WORKING, *TOLD), ASKING, (),
            ("escalated",), None, helping.AskSupervisor, helping.ask_supervisor, for_customers=True),
)  # fmt: skip

_SOLVING: Final = (
    Command("find_cause", "查明原因", "Record why it happened, preliminary or proven", (*TAKEN_ON, *TOLD), STAFF,
            ("accepted",), ("cause_found",), "investigating", solving.FindCause, solving.find_cause),
    Command("decide", "认定", "Decide whether the complaint is upheld, in part, or not", TAKEN_ON, STAFF,
            ("accepted",), ("decided",), "investigating", solving.Decide, solving.decide, solving.decide_lacks),
    Command("confirm_decision", "复核认定", "A second person agrees with the decision", TAKEN_ON, STAFF,
            ("decided", "decision_open"), ("decision_confirmed",), None,
            solving.ConfirmDecision, solving.confirm_decision, who="second_person"),
    Command("propose", "提出方案", "Offer the customer actions, each with owner and due time", TAKEN_ON, STAFF,
            ("accepted", "contacted", "cause", "answered"), ("proposed",), "solution_proposed",
            solving.Propose, solving.propose, solving.propose_lacks),
    Command("answer", "记录答复", "Record what the customer said to the proposal", TAKEN_ON, ASKING,
            ("proposed", "answer_open"), ("answered", "escalated at the third refusal"), None,
            solving.Answer, solving.answer, for_customers=True),
    Command("execute", "执行", "Record that an action is done, with evidence", TAKEN_ON, STAFF,
            ("solution_accepted",), ("executed",), None, solving.Execute, solving.execute),
)  # fmt: skip

_HELPING: Final = (
    Command("give_task", "协办", "Have another team help, until a time", ("received", *WORKING, *TOLD), STAFF, (),
            ("task_given",), None, helping.GiveTask, helping.give_task),
    Command("finish_task", "完成协办", "Record what the other team did", ANY, STAFF, (), ("task_done",), None,
            helping.FinishTask, helping.finish_task),
    Command("plan_visit", "安排到场", "Send people in two roles to the place", WORKING, STAFF, (), ("visit_planned",),
            None, helping.PlanVisit, helping.plan_visit),
    Command("record_visit", "记录到场", "Record what was found at the place, with photos", (*WORKING, *TOLD), STAFF, (),
            ("visited",), None, helping.RecordVisit, helping.record_visit),
    Command("mark", "完成节点", "Record that a step which the pack's clocks wait for was done", (*OPEN, "closed"), STAFF, (),
            ("marked",), None, helping.Mark, helping.mark),
    Command("review_message", "查看补充", "Look at what the customer added; it reopens nothing", ANY, ASKING, (),
            ("message_reviewed",), None, helping.ReviewMessage, helping.review_message),
)  # fmt: skip

_ENDING: Final = (
    Command("resolve", "解决", "Record the outcome that the customer was told", ("received", *WORKING), STAFF,
            ("accepted", "contacted", "answered", "not_refused", "executed", "critical_apologised", "critical_cause",
             "critical_solution"),
            ("passed investigating", "passed solution_proposed", "passed executing", "resolved",
             "callback_planned or callback_settled"), "resolved",
            ending.Resolve, ending.resolve, ending.resolve_lacks),
    Command("callback", "回访", "Record what the customer said to the resolution", TOLD, ASKING,
            ("resolved", "callback_open"), ("callback_settled",), None, ending.Callback, ending.callback,
            who="not_owner"),
    Command("close", "关闭", "End the case", ("received", *WORKING, *TOLD), ASKING,
            ("told", "callback_settled", "reviewed", "remedies_settled"), ("recourse_told where nobody agreed", "closed"), "closed",
            ending.Close, ending.close),
    Command("reopen", "重新打开", "Begin the next cycle", (*TOLD, *ENDED), ASKING, (), ("reopened",), "received",
            ending.Reopen, ending.reopen),
    Command("withdraw", "撤回", "The customer takes the complaint back", OPEN, ASKING, (), ("withdrawn",), "withdrawn",
            ending.Withdraw, ending.withdraw, for_customers=True),
    Command("tell_recourse", "告知其他途径", "Record where else the customer was told to turn", ANY, ASKING, (),
            ("recourse_told",), None, ending.TellRecourse, ending.tell_recourse),
    Command("hand_over", "移交外部", "A body outside has it: ombudsman, 12315, court", ANY, STAFF, (), ("handed_over",),
            None, ending.HandOver, ending.hand_over),
    Command("outside_result", "外部结果", "Record what that body found", ANY, STAFF, (), ("outside_answered",), None,
            ending.OutsideResult, ending.outside_result),
)  # fmt: skip

_TIMING: Final = (
    Command("pause_clocks", "暂停时限", "Have the pausable clocks stand still, for a reason of the pack's", WORK, STAFF,
            ("assigned",), ("paused",), None, timing.PauseClocks, timing.pause_clocks),
    Command("resume_clocks", "恢复时限", "Have them run again", (*WORK, *TOLD), STAFF, (), ("unpaused",), None,
            timing.ResumeClocks, timing.resume_clocks),
    Command("start_clock", "启动可选时限", "Have an optional clock of the pack's run for the case", WORK, STAFF, (),
            ("clock_asked",), None, timing.StartClock, timing.start_clock),
    Command("ask_extension", "申请延期", "Ask for a clock to be put off, before it is due", (*WORK, *TOLD), STAFF, (),
            ("extension_asked",), None, timing.AskExtension, timing.ask_extension),
    Command("decide_extension", "审批延期", "A second person grants the extension, or does not", (*WORK, *TOLD),
            ("supervisor",), (), ("extension_decided",), None, timing.DecideExtension, timing.decide_extension),
    Command("adopt_pack", "采用新版策略", "Have the open deadlines follow another version of the pack", OPEN,
            ("supervisor",), (), ("pack_adopted",), None, timing.AdoptPack, timing.adopt_pack),
    Command("urge", "催办", "Somebody asks to hurry; it is counted", OPEN, SEEING, (), ("urged",), None,
            timing.Urge, timing.urge, for_customers=True),
    Command("supervise", "督办", "Put the case under supervision; it is counted", OPEN, ("supervisor", "watch"), (),
            ("supervised",), None, timing.Supervise, timing.supervise),
    Command("take_escalation", "确认升级", "Who was told takes note: the ladder stops at this level", OPEN,
            ("supervisor",), (), ("escalation_taken",), None, timing.TakeEscalation, timing.take_escalation),
)  # fmt: skip

_CALLING: Final = (
    Command("plan_callback", "预约回访", "Call the customer at a time that they wish", TOLD, ASKING,
            ("resolved", "callback_open"), ("callback_planned",), None, calling.PlanCallback, calling.plan_callback),
    Command("claim_callback", "领取回访", "Take the callback for oneself, for a while", (*TOLD, "closed"), ASKING,
            ("call_open",), ("call_claimed",), None, calling.ClaimCallback, calling.claim_callback, who="not_owner"),
    Command("try_callback", "回访未果", "Record a try that did not lead to an answer", TOLD, ASKING,
            ("resolved", "callback_open"),
            ("call_tried", "callback_planned, call_linked or callback_settled"), None,
            calling.TryCallback, calling.try_callback, who="not_owner"),
    Command("check_back", "二次回访", "Record what the customer said when asked once more", ("closed",), ASKING,
            ("check_open",), ("second_check_settled",), None, calling.CheckBack, calling.check_back, who="not_owner"),
)  # fmt: skip

_REMEDYING: Final = (
    Command("offer_remedy", "提出补救", "Propose what the customer gets: by a rule of the pack, counted and with its reason",
            (*TAKEN_ON, *TOLD), STAFF, ("accepted",), ("remedy_proposed",), None,
            remedying.OfferRemedy, remedying.offer_remedy, needs_purse=True),
    Command("decide_remedy", "审批补救", "A second person approves the remedy within their limit, or does not", OPEN,
            ("supervisor",), ("remedy_proposed",), ("remedy_decided",), None,
            remedying.DecideRemedy, remedying.decide_remedy, who="approver", needs_purse=True),
    Command("answer_remedy", "记录对补救的答复", "Record what the customer said to the remedy", OPEN, ASKING,
            ("remedy_proposed",), ("remedy_answered",), None, remedying.AnswerRemedy, remedying.answer_remedy),
    Command("pay_remedy", "申请支付", "Have an accepted remedy paid, under a reference of its own", OPEN, STAFF,
            ("remedy_proposed",), ("payout_requested",), None, remedying.PayRemedy, remedying.pay_remedy),
    Command("confirm_payout", "确认支付", "Record that the payment of a reference was made, or failed", ANY, STAFF,
            ("remedy_proposed",), ("payout_settled",), None, remedying.ConfirmPayout, remedying.confirm_payout),
    Command("reverse_payout", "冲回支付", "Another person takes back what was paid", ANY, ("supervisor",),
            ("remedy_proposed",), ("payout_reversed",), None, remedying.ReversePayout, remedying.reverse_payout),
)  # fmt: skip

COMMANDS: Final[Mapping[str, Command]] = MappingProxyType(
    {
        command.name: command
        for command in (*_TAKING, *_SOLVING, *_REMEDYING, *_HELPING, *_ENDING, *_TIMING, *_CALLING)
    }
)
