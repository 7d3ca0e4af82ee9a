"""The promises, each as a function from what was found to what breaks it. Pure.

The numbers are those of `docs/guarantees.md`.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple

from redress.verify.model import Entry, Planned, Said, System, Violation
from redress.verify.money import money_goes_once
from shared.bus.port import Slot
from shared.contracts.catalogue import BOUNDED_SOURCES, TOPICS
from shared.contracts.envelope import source_name
from shared.store.progress import Key
from shared.store.relay import BATCH, KEEP_PUBLISHED

RECEIVED: Final = "redress.complaint.received.v1"
BREACHED: Final = "redress.clock.breached.v1"
MET: Final = "redress.clock.met.v1"
Found = Iterator[Violation]


class _Clock(NamedTuple):
    """What tells one run of a clock from another."""

    subject: str
    cycle: int
    name: str
    started_at: str | None


def check(system: System, journal: Sequence[Entry] | None) -> list[Violation]:
    """Everything that is broken, in the order of the invariants; `journal` None checks what needs none."""
    poisoned = {one.subject for one in journal or () if one.op == "poison"}
    system = replace(system, log=[one for one in system.log if one.key.subject not in poisoned])
    found = [violation for one in ALWAYS for violation in one(system)]
    if journal is not None:
        found += [violation for one in BY_JOURNAL for violation in one(system, journal)]
    found += parked_only_what_is_poisoned(system, poisoned)
    return sorted(found, key=lambda violation: int(violation.invariant[1:]))


def each_complaint_has_one_case(system: System) -> Found:
    """I1: a complaint taken in was said, and became exactly one case; no case without a complaint."""
    said = Counter(one.key.subject for one in _first_of_each(system.log) if one.type == RECEIVED)
    for id_, number in system.complaints.items():
        if said[id_] != 1:
            yield Violation("I1", id_, f"{number}: received was said {said[id_]} times, not once")
        if id_ not in system.cases:
            yield Violation("I1", id_, f"{number} has no case")
    for id_, number in system.cases.items():
        if id_ not in system.complaints:
            yield Violation("I1", id_, f"there is a case {number} that nobody complained about")


def answers_hold(system: System, journal: Sequence[Entry]) -> Found:
    """I1: what was answered 202 is there; what is there was asked for, and not refused."""
    ids = {number: id_ for id_, number in system.complaints.items()}
    invoked = {one.key for one in journal if one.op == "invoke"}
    for one in journal:
        if one.op == "ok" and one.number not in ids:
            yield Violation(
                "I1", None, f"{one.number} was answered 202 and is lost (key {one.key})"
            )
        if one.op == "refused" and one.key and one.key in system.keys:
            yield Violation("I1", system.keys[one.key], f"refused, yet stored: key {one.key}")
    asked_for = {id_ for key, id_ in system.keys.items() if key in invoked}
    for id_, number in system.complaints.items():
        if id_ not in asked_for:
            yield Violation("I1", id_, f"{number} is there, and nobody posted it")


def a_key_makes_one_complaint(system: System, journal: Sequence[Entry]) -> Found:
    """I2: the same Idempotency-Key got the same number each time, and no number has two keys."""
    numbers: dict[str, set[str]] = defaultdict(set)
    for one in journal:
        if one.op == "ok" and one.key and one.number:
            numbers[one.key].add(one.number)
    ids = {number: id_ for id_, number in system.complaints.items()}
    for key, got in numbers.items():
        if len(got) > 1:
            yield Violation("I2", ids.get(min(got)), f"key {key} made {', '.join(sorted(got))}")
    keys = Counter(number for got in numbers.values() for number in got)
    for number, count in keys.items():
        if count > 1:
            yield Violation("I2", ids.get(number), f"{number} was the answer to {count} keys")


def nothing_said_is_lost(system: System) -> Found:
    """I3: what is marked published is in the log, and the log refused nothing."""
    in_log: dict[str, set[str]] = defaultdict(set)
    for one in system.log:
        in_log[one.key.source].add(one.id)
    for service, books in system.books.items():
        source = source_name(service)
        for subject, why in books.refused.items():
            yield Violation("I3", subject, f"the log refused an event of {service}: {why}")
        # Topics that forget may have forgotten it by now.
        for id_, is_published in () if source in BOUNDED_SOURCES else books.outbox.items():
            if is_published and id_ not in in_log[source]:
                text = f"{service}'s event {id_} is marked published and not in the log"
                yield Violation("I3", None, text)


def nothing_comes_from_nowhere(system: System) -> Found:
    """I3: every event in the log was said; older ones than an outbox keeps are believed."""
    kept = system.taken_at - KEEP_PUBLISHED
    outboxes = {source_name(service): books.outbox for service, books in system.later.items()}
    for one in system.log:
        if one.time > kept and one.id not in outboxes.get(one.key.source, ()):
            text = f"{one.type} {one.id} is in the log, but {one.key.source} never said it"
            yield Violation("I3", one.key.subject, text)


def nothing_is_sent_again_in_vain(system: System, journal: Sequence[Entry]) -> Found:
    """I3: an event is in the log twice only where a relay may have ended between acknowledgement and mark.

    More repeats than a batch for each fault mean that two relays are at work, or that marks get lost.
    """
    repeats = len(system.log) - len({one.id for one in system.log})
    faults = sum(one.op in {"fault", "ended"} for one in journal)
    if not any(one.op == "republish" for one in journal) and repeats > BATCH * faults:
        text = f"{repeats} records are in the log again, after {faults} faults of {BATCH} at most"
        yield Violation("I3", None, text)


def the_log_is_in_order(system: System) -> Found:
    """I4: what a source says about a subject is numbered 1, 2, 3 … in one partition, each number one event."""
    last: dict[Key, Said] = {}
    ids: dict[tuple[Key, int], str] = {}
    for one in system.log:
        before = last.get(one.key)
        name = f"{one.key.source} number {one.sequence}"
        if before is not None and before.slot != one.slot:
            yield Violation(
                "I4", one.key.subject, f"{name} is in {one.slot}, earlier ones in {before.slot}"
            )
        known = ids.setdefault((one.key, one.sequence), one.id)
        if known != one.id:
            yield Violation(
                "I4", one.key.subject, f"{name} was given to two events, {known} and {one.id}"
            )
        reached = before.sequence if before else 0
        if one.sequence > reached + 1 and one.key.source not in BOUNDED_SOURCES:
            yield Violation("I4", one.key.subject, f"{name} came after {reached}")
        if one.sequence > reached:
            last[one.key] = one


def everyone_applied_everything(system: System) -> Found:
    """I4: each consumer's mark is the last number in the log, or the rest of the key is parked."""
    ends: dict[Key, int] = {}
    for one in system.log:
        ends[one.key] = max(ends.get(one.key, 0), one.sequence)
    for service, sources in system.consumes.items():
        before, later = system.books[service], system.later[service]
        for key, end in ends.items():
            if key.source not in sources:
                continue
            name = f"{service} applied {key.source} up to"
            if (mark := before.progress.get(key, 0)) > end:
                yield Violation("I4", key.subject, f"{name} {mark}, the log ends at {end}")
            mark = later.progress.get(key, 0)
            if mark < end and end not in later.parked.get(key, ()):
                yield Violation("I4", key.subject, f"{name} {mark} of {end}")


def effects_happened_once(system: System) -> Found:
    """I5: one receipt a case, loads that add up, one message a purpose, one row in the feed an event."""
    for id_, count in system.receipts.items():
        if count != 1:
            yield Violation("I5", id_, f"its case holds {count} receipts")
    yield from _loads(system)
    planned = Counter(
        (one.complaint, one.cycle, one.recipient, one.purpose) for one in system.messages
    )
    for (complaint, cycle, recipient, purpose), count in planned.items():
        if count > 1:
            yield Violation(
                "I5", complaint, f"{count} messages `{purpose}` to {recipient} in cycle {cycle}"
            )
    yield from _feed(system)


def _loads(system: System) -> Found:
    assigned: Counter[str] = Counter()
    for complaint, (state, handler) in system.decisions.items():
        if state == "assigned" and handler:
            assigned[handler] += system.weights.get(complaint, 1)
    for handler, load in system.loads.items():
        if load != assigned[handler]:
            yield Violation(
                "I5",
                None,
                f"handler {handler} has a load of {load} and cases of {assigned[handler]}",
            )


def _feed(system: System) -> Found:
    said = {one.id: one for one in system.log}
    rows = Counter(row.event_id for row in system.feed)
    reached: dict[Key, int] = defaultdict(int)
    for row in system.feed:
        one = said.get(row.event_id)
        if one is None:
            continue
        if rows[row.event_id] > 1:
            yield Violation(
                "I5",
                one.key.subject,
                f"the feed has {one.type} {one.id} {rows[row.event_id]} times",
            )
        if one.sequence <= reached[one.key]:
            yield Violation(
                "I5",
                one.key.subject,
                f"the feed tells number {one.sequence} of {one.key.source} after {reached[one.key]}",
            )
        reached[one.key] = one.sequence


def no_offset_is_ahead(system: System) -> Found:
    """I6: what a group has committed past was applied, or is parked."""
    for service, offsets in system.committed.items():
        books = system.later[service]
        for one in system.log:
            is_past = one.offset < offsets.get(one.slot, 0)
            if (
                is_past
                and books.progress.get(one.key, 0) < one.sequence
                and one.sequence not in books.parked.get(one.key, ())
            ):
                yield Violation(
                    "I6",
                    one.key.subject,
                    f"{service} committed past {one.type} number {one.sequence} without applying it",
                )


def mails_went_once(system: System, journal: Sequence[Entry]) -> Found:
    """I7: a message that was accepted left; a repeat had an attempt of its own and carried the same id."""
    mails = Counter(one.message for one in journal if one.op == "mail")
    known = {one.id: one for one in system.messages}
    for id_, count in mails.items():
        one = known.get(id_ or "")
        if one is None:
            yield Violation("I7", None, f"a mail {id_} left that nobody planned")
        elif count > one.attempts:
            yield Violation(
                "I7", one.complaint, f"{_name(one)} left {count} times in {one.attempts} attempts"
            )
    # Without a mail server's part there is nothing to hold messages against.
    if mails:
        for one in system.messages:
            is_mail = one.recipient == "complainant"  # staff find theirs at the desk
            if is_mail and one.state in {"accepted", "delivered"} and not mails[one.id]:
                yield Violation(
                    "I7", one.complaint, f"{_name(one)} counts as {one.state} and never left"
                )


def clocks_struck_once(system: System) -> Found:
    """I8: a deadline is missed once, not before its time, and not after it was met."""
    struck: set[_Clock] = set()
    met: set[_Clock] = set()
    for one in _first_of_each(system.log):
        if one.data is None or one.type not in {BREACHED, MET}:
            continue
        clock = one.data["clock"]
        name = _Clock(one.key.subject, one.data["cycle"], clock["name"], clock["started_at"])
        if one.type == MET:
            met.add(name)
            continue
        wrong = [
            what
            for what, is_so in (
                ("twice", name in struck),
                ("after it was met", name in met),
                (f"at {one.time}, before {clock['due_at']}", _is_early(one.time, clock["due_at"])),
            )
            if is_so
        ]
        for what in wrong:
            yield Violation("I8", one.key.subject, f"clock {clock['name']} was missed {what}")
        struck.add(name)


def no_timer_is_left_behind(system: System) -> Found:
    """I8: what was due has fired."""
    for service, books in system.books.items():
        for timer, subject, due_at in books.overdue:
            text = f"{service}'s timer {timer} was due {due_at} and has not fired"
            yield Violation("I8", subject, text)
        for timer, subject, error in books.stopped:
            yield Violation("I8", subject, f"{service}'s timer {timer} is parked: {error}")


def parked_only_what_is_poisoned(system: System, poisoned: Collection[str | None]) -> Found:
    """I10: only keys that were given something bad are parked."""
    for service, books in system.books.items():
        for key, error in books.errors.items():
            if key.subject not in poisoned:
                yield Violation("I10", key.subject, f"{service} parked {key.source}: {error}")


def it_is_at_rest(system: System) -> Found:
    """I16: nothing waits to be published or consumed."""
    for service, books in system.books.items():
        later = system.later[service].outbox
        # Waiting before and after: not just on its way.
        waiting = sum(
            not is_published and not later.get(id_, True)
            for id_, is_published in books.outbox.items()
        )
        if waiting:
            yield Violation("I16", None, f"{waiting} events of {service} wait to be published")
    ends: dict[Slot, int] = {}
    for one in system.log:
        ends[one.slot] = max(ends.get(one.slot, 0), one.offset + 1)
    for service, offsets in system.committed.items():
        topics = {TOPICS[source.rpartition("/")[2]] for source in system.consumes[service]}
        lag = sum(
            max(end - offsets.get(slot, 0), 0) for slot, end in ends.items() if slot.topic in topics
        )
        if lag:
            yield Violation("I16", None, f"{service} has not consumed {lag} records")


def state_of(system: System) -> Mapping[str, object]:
    """What no redelivery may change (I11): compare it before and after publishing everything again.

    Marks and the feed grow when a deadline passes meanwhile; that they hold each event once, the others judge.
    """
    return {
        "complaints": sorted(system.complaints.items()),
        "decisions": sorted(system.decisions.items()),
        "cases": sorted(system.cases.items()),
        "receipts": sorted(system.receipts.items()),
        "messages": sorted(system.messages),
    }


def _first_of_each(log: Iterable[Said]) -> Iterator[Said]:
    """Each event once, as consumers see it: repeats are dropped."""
    seen: set[str] = set()
    for one in log:
        if one.id not in seen:
            seen.add(one.id)
            yield one


def _is_early(at: datetime, due_at: str | None) -> bool:
    if due_at is None:
        return False
    # An event's time is cut to the millisecond, a deadline is not.
    due = datetime.fromisoformat(due_at)
    return at < due.replace(microsecond=due.microsecond // 1000 * 1000)


def _name(message: Planned) -> str:
    return f"{message.number}: message `{message.purpose}` of cycle {message.cycle}"


ALWAYS: Final[Sequence[Callable[[System], Found]]] = (
    each_complaint_has_one_case,
    nothing_said_is_lost,
    nothing_comes_from_nowhere,
    the_log_is_in_order,
    everyone_applied_everything,
    effects_happened_once,
    no_offset_is_ahead,
    clocks_struck_once,
    no_timer_is_left_behind,
    money_goes_once,
    it_is_at_rest,
)
BY_JOURNAL: Final[Sequence[Callable[[System, Sequence[Entry]], Found]]] = (
    answers_hold,
    a_key_makes_one_complaint,
    nothing_is_sent_again_in_vain,
    mails_went_once,
)
