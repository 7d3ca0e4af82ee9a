"""What the customer is told."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from services.notify.model import (
    ACKNOWLEDGEMENT,
    BULK,
    DANGER,
    About,
    Planned,
    Word,
    moment,
)
from services.notify.policy.questions import questions
from services.notify.policy.restate import restated
from shared.contracts.followup import CallbackDue, CaseBody
from shared.contracts.intake import ComplaintCodeRequested
from shared.contracts.values import CaseClock, Decision, Outcome, Promise, Solution
from shared.packs.model import Pack

_LETTERS: Final = {
    "complaint": "acknowledgement",
    "grumble": "acknowledgement_grumble",
    "inquiry": "acknowledgement_inquiry",
    "suggestion": "acknowledgement_suggestion",
    "praise": "praise_reply",
}
_OUTCOMES: Final[Mapping[Outcome, Word]] = {
    "upheld": {"zh": "您反映的情况属实", "en": "What you told us is right"},
    "partly_upheld": {"zh": "您反映的情况部分属实", "en": "What you told us is right in part"},
    "not_upheld": {
        "zh": "实际情况与您反映的有所不同",
        "en": "things are not quite as you told us",
    },
}
_PLACES: Final[Mapping[str, Mapping[str, str]]] = {
    "supervisor": {"zh": "我们的主管", "en": "our supervisor"},
    "regulator": {"zh": "行业主管部门", "en": "the authority for our trade"},
    "ombudsman": {"zh": "第三方调解机构", "en": "the ombudsman"},
    "12315": {"zh": "12315消费者投诉举报热线", "en": "the consumer line 12315"},
    "12345": {"zh": "12345政务服务便民热线", "en": "the public service line 12345"},
    "12398": {"zh": "12398能源监管热线", "en": "the energy regulator's line 12398"},
    "court": {"zh": "人民法院", "en": "a court"},
}
"""Where else one can turn, as followup and its users name it; anything else is said as it was written."""
_TOLD: Final = frozenset({"first_contact", "solution"})
"""Clocks whose end the customer was told."""
_AT_RISK: Final = 0.8
_PROGRESS: Final[Mapping[str, tuple[Word, Word]]] = {
    "investigating": (
        {"zh": "我们已开始核实您反映的情况", "en": "We have begun to look into what you told us"},
        {"zh": "核实后提出处理方案", "en": "our proposal, once we know the facts"},
    ),
    "executing": (
        {
            "zh": "处理方案已经确定，正在落实",
            "en": "The solution is agreed and is being carried out",
        },
        {"zh": "完成后与您核对结果", "en": "we check the result with you"},
    ),
}
SUPERSEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "solution": ("progress.investigating", "delay.solution"),
    "resolved": (
        "progress.investigating",
        "progress.executing",
        "delay.first_contact",
        "delay.solution",
    ),
    "closed": (
        "progress.investigating",
        "progress.executing",
        "delay.first_contact",
        "delay.solution",
    ),
    "withdrawn": (
        "progress.investigating",
        "progress.executing",
        "delay.first_contact",
        "delay.solution",
        "callback.appointment",
        "callback.link",
    ),
}
"""What a message makes needless that is still to be sent: where events coincide, one message tells of them."""


def language_of(case: CaseBody | ComplaintCodeRequested) -> str:
    """The language of the complaint, English for any that we do not write."""
    return "zh" if case.language == "zh" else "en"


def about(case: CaseBody, *, complaint: str, unit: str) -> About:
    """Which complaint a message is about."""
    return About(
        complaint, case.number, unit, case.cycle, case.complainant_id, language_of(case), case.pack, case.pack_version
    )  # fmt: skip


def about_asked(asked: ComplaintCodeRequested, *, complaint: str, unit: str) -> About:
    """Which complaint a message is about that follows from no case: it belongs to the first cycle."""
    return About(
        complaint, asked.number, unit, 1, asked.complainant_id, language_of(asked), asked.pack, asked.pack_version
    )  # fmt: skip


def code_again(asked: ComplaintCodeRequested, pack: Pack) -> Planned:
    """The code once more: one message for each hour in which it is asked for.

    Packs from before the letter have another that tells the code.
    """
    letter = "code_again" if _has(pack, "code_again") else ACKNOWLEDGEMENT
    purpose = f"code/{asked.requested_at:%Y-%m-%dT%H}"
    return Planned(purpose, letter, {"number": asked.number})


def _has(pack: Pack, letter: str) -> bool:
    return any(one.id == letter for one in pack.templates)


def superseded(purpose: str) -> tuple[str, ...]:
    """The messages that this one makes needless."""
    return SUPERSEDED.get(purpose.partition(".")[0], ())


def acknowledgement(
    case: CaseBody,
    *,
    owner: str | None,
    pack: Pack | None = None,
    known: Mapping[str, Any] | None = None,
) -> Planned:
    """The acknowledgement of this cycle: who is responsible, what we understood, and what will happen by when.

    What is missing is asked for after the apology, three questions at most, and not in a later cycle.
    """
    purpose = "reopened" if case.cycle > 1 else _LETTERS[case.kind or "complaint"]
    found: dict[str, Word] = {"number": case.number, "owner": owner or ""}
    for clock in case.clocks:
        if clock.name in _TOLD and clock.state in {"running", "paused"}:
            found[f"{clock.name}_by"] = moment(clock.due_at)
    letter = purpose
    if pack is not None and known is not None and case.cycle == 1:
        letter = letter_for(pack, purpose, case.category)
        is_trouble = case.kind in {None, "complaint", "grumble"}
        if said := restated(pack, case.category, known, is_trouble=is_trouble):
            found["restated"] = said
        if case.kind == "complaint" and (asked := questions(pack, case.category, known)):
            found["questions"] = asked
    return Planned(ACKNOWLEDGEMENT, letter, found, answers=case.channel == "email")


def letter_for(pack: Pack, purpose: str, category: str | None) -> str:
    """The pack's own template for a purpose in a category, else its general one."""
    for template in pack.templates:
        if template.purpose == purpose and category in template.categories:
            return template.id
    return purpose


def of_case(case: CaseBody) -> Iterable[Planned]:
    """What a change of the case has the customer told: progress, what staff wrote, asked or proposed."""
    if case.state in _PROGRESS and case.kind == "complaint":
        done, next_ = _PROGRESS[case.state]
        found: dict[str, Word] = {"number": case.number, "done": done, "next": next_}
        for clock in case.clocks:
            if (
                clock.name == "solution"
                and clock.state == "running"
                and case.state == "investigating"
            ):
                found["by"] = moment(clock.due_at)
        yield Planned(f"progress.{case.state}", "progress", found)
    yield from written_by_staff(case)
    if case.state == "solution_proposed" and case.solutions and case.solutions[-1].answer is None:
        yield proposal(case, case.solutions[-1])


def written_by_staff(case: CaseBody) -> Iterable[Planned]:
    """The last thing that staff wrote to the customer or asked, in whatever state: once by its id."""
    reply = case.reply
    if reply is None:
        return
    purpose = f"reply.{reply.id}"
    if reply.questions:
        facts = "\n".join(f"{at}. {text}" for at, text in enumerate(reply.questions, 1))
        yield Planned(purpose, "ask_facts", {"number": case.number, "facts": facts}, once_ever=True)
    elif reply.template is not None:
        yield Planned(purpose, reply.template, _case_words(case), once_ever=True)
    elif reply.text:
        found: dict[str, Word] = {"number": case.number, "text": reply.text}
        yield Planned(purpose, "reply", found, once_ever=True)


def _case_words(case: CaseBody) -> dict[str, Word]:
    """What a letter that staff chose may say of the case: each of them has no other source."""
    found: dict[str, Word] = {"number": case.number, **recourse(case)}
    for clock in case.clocks:
        if clock.name in _TOLD and clock.state in {"running", "paused"}:
            found[f"{clock.name}_by"] = moment(clock.due_at)
    if case.decision is not None and _is_final(case.decision):
        found["reason"] = case.decision.reason
    return found


def _is_final(decision: Decision) -> bool:
    """Whether the customer may be told: one against them holds once a second person confirmed it."""
    return decision.outcome != "not_upheld" or decision.confirmed_at is not None


def proposal(case: CaseBody, solution: Solution) -> Planned:
    """What is proposed and why, by when all of it is done, and how to say yes or no."""
    found: dict[str, Word] = {
        "number": case.number,
        "actions": "\n".join(f"· {one.what}" for one in solution.actions),
    }
    if solution.actions:
        found["by"] = moment(max(one.due_at for one in solution.actions))
    if case.decision is not None and _is_final(case.decision):
        found["cause"] = case.decision.reason
    return Planned(f"solution.{solution.round}", "solution", found | recourse(case))


def at_risk(clock: CaseClock, *, number: str, fraction: float, owner: str | None) -> Planned | None:
    """The apology for a deadline that will likely be missed, to be sent when it passes and not before (R-106)."""
    if clock.name not in _TOLD or fraction < _AT_RISK:
        return None
    found: dict[str, Word] = {
        "number": number,
        "old_by": moment(clock.due_at),
        "owner": owner or "",
    }
    return Planned(f"delay.{clock.name}", "delay", found, not_before=clock.due_at)


def extended(
    clock: CaseClock, *, number: str, was_due_at: datetime, owner: str | None
) -> Planned | None:
    """The apology for a deadline that was put off, with the new time, before anybody asks."""
    if clock.name not in _TOLD:
        return None
    found: dict[str, Word] = {
        "number": number, "old_by": moment(was_due_at), "new_by": moment(clock.due_at), "owner": owner or "",
    }  # fmt: skip
    return Planned(f"extended.{clock.name}.{clock.due_at:%Y%m%d%H%M}", "delay", found)


def broken(promise: Promise, *, number: str, owner: str | None) -> Planned:
    """The apology for a promise that was not kept."""
    found: dict[str, Word] = {
        "number": number, "old_by": moment(promise.due_at), "what": promise.what, "owner": owner or "",
    }  # fmt: skip
    return Planned(f"promise.{promise.id}", "delay", found, once_ever=True)


def callback(said: CallbackDue, pack: Pack) -> Planned | None:
    """That we call, before the first try; or the link by which they answer themselves.

    The later question whether all is still well has a letter of its own, in packs that have it.
    """
    if said.by == "link":
        return Planned("callback.link", "callback_missed", {"number": said.number})
    words: dict[str, Word] = {"number": said.number, "time": moment(said.due_at)}
    if said.second:
        return (
            Planned("callback.second", "callback_second", words)
            if _has(pack, "callback_second")
            else None
        )
    if said.attempt > 1:
        return None
    return Planned("callback.appointment", "callback_appointment", words)


def safety(pack: Pack, *, number: str, cue: str | None) -> Planned | None:
    """What to do at once in this danger, by every way: where the pack has advice for it. It promises nothing."""
    letter = next(
        (one.id for one in pack.templates if one.purpose == "safety_advice" and cue in one.cues),
        None,
    )
    if letter is None:
        return None
    return Planned("safety", letter, {"number": number}, lane=DANGER, once_ever=True)


def bulletin(
    letter: str, words: Mapping[str, Word], *, id_: str, number: str, is_danger: bool
) -> Planned:
    """A bulletin's copy for one member of an incident."""
    return Planned(
        f"bulletin.{id_}",
        letter,
        dict(words) | {"number": number},
        lane=DANGER if is_danger else BULK,
        once_ever=True,
    )


def result(case: CaseBody) -> Planned | None:
    """The result of this cycle, with its reason and remedy; None while there is none."""
    if case.resolution is None:
        return None
    outcome = _OUTCOMES[case.resolution.outcome]
    letter = "not_upheld" if case.resolution.outcome == "not_upheld" else "resolved"
    said: dict[str, Word] = (
        {"finding": outcome, "help": case.resolution.remedy or ""}
        if letter == "not_upheld"
        else {"outcome": outcome, "remedy": case.resolution.remedy or ""}
    )
    found: dict[str, Word] = {"number": case.number, "reason": case.resolution.reason}
    return Planned("resolved", letter, found | said | recourse(case))


def closing(case: CaseBody, pack: Pack) -> Planned:
    """Thanks, what to do if it comes back, and where else to turn; or that it was taken back, as they wished.

    Packs from before the letter for that thank all alike.
    """
    if case.state == "withdrawn" and _has(pack, "withdrawn"):
        return Planned("withdrawn", "withdrawn", {"number": case.number})
    return Planned("closed", "closed", {"number": case.number} | recourse(case))


def recourse(case: CaseBody) -> dict[str, Word]:
    """Where else the customer may turn, as the case says it: the usual places by their names."""
    if not case.recourse:
        return {}
    named = [_PLACES.get(one, {"zh": one, "en": one}) for one in case.recourse]
    return {
        "recourse": {
            "zh": "或".join(one["zh"] for one in named),
            "en": " or ".join(one["en"] for one in named),
        }
    }
