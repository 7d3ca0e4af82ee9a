"""Each broken promise is noticed, by its name, and a kept one raises no alarm."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from redress.verify.invariants import check, state_of
from redress.verify.model import Planned, Shown
from redress.verify.timeline import timeline
from shared.bus.port import Slot
from shared.store.progress import Key
from tests.unit.verify.honest import (
    CASES,
    COMPLAINTS,
    DUE,
    FOLLOWUP,
    ID,
    INTAKE,
    JOURNAL,
    KEY,
    LOG,
    NUMBER,
    books,
    clock,
    entry,
    honest,
    remedy,
    said,
)

if TYPE_CHECKING:
    from redress.verify.model import Entry


def names(changes: dict[str, Any], journal: tuple[Entry, ...] = JOURNAL) -> set[str]:
    return {one.invariant for one in check(honest(**changes), journal)}


def test_a_system_that_kept_its_promises_raises_no_alarm() -> None:
    assert check(honest(), JOURNAL) == []
    assert check(honest(), None) == []


@pytest.mark.parametrize("op", ["fault", "ended"])
def test_a_repeat_in_the_log_is_no_alarm_after_a_fault(op: str) -> None:
    again = (*LOG, said(2, CASES, FOLLOWUP, 1, "case.opened"))
    caught_up = {"followup": {COMPLAINTS: 1}, "notify": {COMPLAINTS: 1, CASES: 3}}

    broken = names({"log": again, "committed": caught_up})
    allowed = names({"log": again, "committed": caught_up}, (*JOURNAL, entry(op, what="kill")))

    assert broken == {"I3"}
    assert allowed == set()
    assert names(
        {"log": again, "committed": caught_up}, (*JOURNAL, entry("clock", what="set"))
    ) == {"I3"}


BROKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "a complaint without a case": ("I1", {"cases": {}, "receipts": {}}),
    "a case without a complaint": ("I1", {"complaints": {}, "keys": {}}),
    "a complaint that was never said": (
        "I1",
        {
            "log": LOG[1:],
            "books": {
                "intake": books(),
                "followup": books(outbox={"e-up-1": True, "e-up-2": True}),
                "notify": books(progress={FOLLOWUP: 2}),
            },
        },
    ),
    "an event that was published and is not in the log": (
        "I3",
        {"books": dict(honest().books) | {"intake": books(outbox={"e-ke-1": True, "lost": True})}},
    ),
    "an event that nobody said": ("I3", {"books": dict(honest().books) | {"intake": books()}}),
    "an event that the log refused": (
        "I3",
        {"books": dict(honest().books) | {"intake": books(outbox={"e-ke-1": True}, refused={ID: "large"})}},
    ),
    "a gap in the log": ("I4", {"log": (LOG[0], LOG[2])}),
    "a number given to two events": (
        "I4",
        {"log": (*LOG, LOG[1]._replace(id="other", offset=2))},
    ),
    "a key in two partitions": (
        "I4",
        {"log": (*LOG[:2], LOG[2]._replace(slot=Slot("redress.cases", 1), offset=0))},
    ),
    "a mark that lags behind the log": (
        "I4",
        {"books": dict(honest().books) | {"notify": books(progress={INTAKE: 1, FOLLOWUP: 1})}},
    ),
    "a mark ahead of the log": (
        "I4",
        {"books": dict(honest().books) | {"notify": books(progress={INTAKE: 2, FOLLOWUP: 2})}},
    ),
    "a receipt applied twice": ("I5", {"receipts": {ID: 2}}),
    "a load that does not add up": ("I5", {"loads": {"h1": 2}}),
    "a message planned twice": (
        "I5",
        {
            "messages": [
                *honest().messages,
                Planned("m2", ID, NUMBER, 1, "complainant", "acknowledgement", "pending", 0),
            ]
        },
    ),
    "an event twice in the feed": ("I5", {"feed": [*honest().feed, Shown(4, "e-up-2")]}),
    "the feed out of order": (
        "I5",
        {"feed": [Shown(1, "e-ke-1"), Shown(2, "e-up-2"), Shown(3, "e-up-1")]},
    ),
    "an offset ahead of its effect": (
        "I6",
        {"books": dict(honest().books) | {"followup": books(outbox={"e-up-1": True, "e-up-2": True})}},
    ),
    "a clock missed before its time": (
        "I8",
        {"log": (*LOG[:2], LOG[2]._replace(data=clock("acknowledge", DUE + timedelta(hours=1))))},
    ),
    "a clock missed twice": (
        "I8",
        {"log": (*LOG, said(2, CASES, FOLLOWUP, 3, "clock.breached", clock("acknowledge")))},
    ),
    "a clock missed after it was met": (
        "I8",
        {
            "log": (
                *LOG[:2],
                LOG[2]._replace(type="redress.clock.met.v1"),
                said(2, CASES, FOLLOWUP, 3, "clock.breached", clock("acknowledge")),
            )
        },
    ),
    "a timer left behind": (
        "I8",
        {"books": dict(honest().books) | {"intake": books(outbox={"e-ke-1": True}, overdue=[("clock", ID, DUE)])}},
    ),
    "a parked timer": (
        "I8",
        {"books": dict(honest().books) | {"intake": books(outbox={"e-ke-1": True}, stopped=[("clock", ID, "x")])}},
    ),
    "a remedy approved by who proposed it": ("I9", {"log": (*LOG, remedy(2, 3, "approved", approved_by="account/an"))}),
    "a payout that nobody approved": ("I9", {"log": (*LOG, remedy(2, 3, "payout_requested"))}),
    "a payout asked for twice": (
        "I9",
        {
            "log": (
                *LOG,
                remedy(2, 3, "approved"),
                remedy(3, 4, "payout_requested"),
                remedy(4, 5, "payout_requested"),
            )
        },
    ),
    "a remedy paid twice": (
        "I9",
        {"log": (*LOG, remedy(2, 3, "approved"), remedy(3, 4, "paid"), remedy(4, 5, "paid"))},
    ),
    "a ledger that does not balance": ("I9", {"unbalanced": [(ID, "r1.1/paid/1")]}),
    "a key parked for no reason": (
        "I10",
        {"books": dict(honest().books) | {"intake": books(outbox={"e-ke-1": True}, errors={INTAKE: "x"})}},
    ),
    "an event that waits to be published": (
        "I16",
        {"books": dict(honest().books) | {"intake": books(outbox={"e-ke-1": True, "new": False})}},
    ),
    "records that wait to be consumed": (
        "I16",
        {"committed": {"followup": {COMPLAINTS: 0}, "notify": {COMPLAINTS: 1, CASES: 2}}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_broken_is_named(what: str) -> None:
    invariant, changes = BROKEN[what]

    assert invariant in names(changes)


JOURNALS: dict[str, tuple[str, tuple[Entry, ...]]] = {
    "answered and lost": (
        "I1",
        (*JOURNAL, entry("invoke", key="k2"), entry("ok", key="k2", number="0000-0000-000")),
    ),
    "stored and never asked for": ("I1", ()),
    "refused, yet stored": ("I1", (*JOURNAL, entry("refused", key=KEY))),
    "one key, two numbers": ("I2", (*JOURNAL, entry("ok", key=KEY, number="0000-0000-000"))),
    "one number, two keys": ("I2", (*JOURNAL, entry("ok", key="k2", number=NUMBER))),
    "a mail that nobody planned": ("I7", (*JOURNAL, entry("mail", message="m9"))),
    "a mail sent twice in one attempt": ("I7", (*JOURNAL, JOURNAL[-1])),
    "a message that counts as sent and never left": (
        "I7",
        (*JOURNAL[:-1], entry("mail", message="m9")),
    ),
}


@pytest.mark.parametrize("what", JOURNALS)
def test_what_a_client_saw_is_held_against_the_system(what: str) -> None:
    invariant, journal = JOURNALS[what]

    assert invariant in names({}, journal)


def test_poison_may_be_parked_and_is_not_judged_otherwise() -> None:
    bad = Key("/redress/intake", "poison-1")
    log = (*LOG, said(1, COMPLAINTS, bad, 7, "complaint.received"))
    parked = books(outbox={"e-up-1": True, "e-up-2": True}, progress={INTAKE: 1},
                   parked={bad: frozenset({7})}, errors={bad: "gap"})  # fmt: skip
    committed = {"followup": {COMPLAINTS: 2}, "notify": {COMPLAINTS: 2, CASES: 2}}
    changes = {
        "log": log,
        "books": dict(honest().books) | {"followup": parked},
        "committed": committed,
    }

    assert names(changes, (*JOURNAL, entry("poison", subject="poison-1"))) == set()
    assert "I10" in names(changes)


def test_what_happens_while_it_is_read_raises_no_alarm() -> None:
    """INVARIANT: a deadline that passes during the check is neither lost nor made up."""
    new = said(2, CASES, FOLLOWUP, 3, "clock.warned")
    followup = books(outbox={"e-up-1": True, "e-up-2": True, "e-up-3": True}, progress={INTAKE: 1})
    notify = books(progress={INTAKE: 1, FOLLOWUP: 3})
    later = dict(honest().books) | {"followup": followup, "notify": notify}
    committed = {"followup": {COMPLAINTS: 1}, "notify": {COMPLAINTS: 1, CASES: 3}}
    before = honest().books

    assert (
        names({"books": before, "later": later, "log": (*LOG, new), "committed": committed})
        == set()
    )
    assert names({"books": before, "later": later}) == set()


def test_a_deadline_that_is_missed_at_once_is_not_early_by_what_an_event_s_time_leaves_out() -> (
    None
):
    within_the_millisecond = clock("acknowledge", DUE + timedelta(microseconds=762))
    log = (*LOG[:2], LOG[2]._replace(data=within_the_millisecond, time=DUE))

    assert names({"log": log}) == set()


def test_redelivery_changes_nothing_that_is_compared() -> None:
    again = (*LOG, *(one._replace(offset=one.offset + 10) for one in LOG))

    assert state_of(honest(log=again)) == state_of(honest())
    assert state_of(honest(receipts={ID: 2})) != state_of(honest())


def test_the_timeline_tells_the_client_the_log_and_the_mail_in_order_of_time() -> None:
    fault = entry("fault", what="kill -9 followup")

    lines = timeline(honest(), (*JOURNAL, fault), ID)

    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert {line.source for line in lines} == {"client", "mail", "fault", "/redress/intake", "/redress/followup"}  # fmt: skip
