from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.notify.model import Contact, Message, Traits, Wishes, moment
from services.notify.policy.choose import customer as choose
from services.notify.policy.retry import next_attempt
from services.notify.policy.way import ways
from services.notify.policy.wording import in_words
from shared.contracts.followup import CaseOpened
from shared.contracts.values import CaseClock, Owner, Resolution
from shared.packs.letters import write_letter
from shared.packs.load import load_folder, shipped_folder
from tests.unit.notify.messages import MESSAGE

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def a_case(**more: object) -> CaseOpened:
    facts = {
        "number": "1234-5678-903", "state": "assigned", "cycle": 1, "version": 2, "channel": "web", "language": "zh",
        "complainant_id": "c", "reachable": True, "kind": "complaint", "owner": Owner(team="service", handler="h"),
        "received_at": NOW, "opened_at": NOW, "pack": "generic", "pack_version": "1.0",
        "clocks": (CaseClock(name="first_contact", state="running", started_at=NOW, due_at=NOW + timedelta(hours=2)),),
    } | more  # fmt: skip
    return CaseOpened.model_validate(facts)


def test_the_acknowledgement_says_who_and_by_when_in_the_company_s_zone() -> None:
    planned = choose.acknowledgement(a_case(), owner="小安")

    assert planned.letter == "acknowledgement"
    assert planned.variables == {
        "number": "1234-5678-903",
        "owner": "小安",
        "first_contact_by": {"at": "2026-03-02T03:00:00+00:00"},
    }


@pytest.mark.req("R-104")
def test_english_gets_english_times() -> None:
    assert in_words(moment(NOW), language="en", zone="Asia/Shanghai") == "2 March 2026, 09:00"
    assert in_words(moment(NOW), language="zh", zone="Asia/Shanghai") == "2026年3月2日 09:00"
    assert in_words(moment(NOW), language="en", zone="Europe/London") == "2 March 2026, 01:00"
    assert choose.language_of(a_case(language="other")) == "en"


@pytest.mark.parametrize(
    ("kind", "letter"),
    [("grumble", "acknowledgement_grumble"), ("praise", "praise_reply"), (None, "acknowledgement")],
)
def test_each_kind_is_answered_in_its_own_tone(kind: str | None, letter: str) -> None:
    assert choose.acknowledgement(a_case(kind=kind), owner=None).letter == letter


def test_a_later_cycle_begins_with_an_apology_for_the_first() -> None:
    assert choose.acknowledgement(a_case(cycle=2), owner=None).letter == "reopened"


@pytest.mark.parametrize("outcome", ["upheld", "partly_upheld", "not_upheld"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_result_is_told_with_its_reason_and_remedy(outcome: str, language: str) -> None:
    resolution = Resolution.model_validate(
        {
            "outcome": outcome,
            "reason": "电压不稳",
            "remedy": "免费更换电表",
            "told_at": NOW,
            "resolved_at": NOW,
        }
    )
    planned = choose.result(a_case(resolution=resolution, language=language))
    assert planned is not None
    template = load_folder(shipped_folder(), "generic").template(planned.letter)
    words = {
        name: in_words(word, language=language, zone="Asia/Shanghai")
        for name, word in planned.variables.items()
    }
    body = write_letter(template, language=language, values=words).body
    assert "电压不稳" in body
    assert "免费更换电表" in body


def test_without_a_result_nothing_is_told() -> None:
    assert choose.result(a_case()) is None


CHANNELS = {
    "email": Traits("email"), "sms": Traits("phone"), "call": Traits("phone"), "wecom": Traits("wecom")
}  # fmt: skip


def order(contact: Contact, message: Message = MESSAGE, wishes: Wishes | None = None) -> list[str]:
    found = ways(contact, CHANNELS, message=message, wishes=wishes or Wishes())
    return [way.channel for way in found]


CONTACT = Contact("x", {"phone": ("1",), "email": ("a@b",), "wecom": ("w",)}, preferred="wecom")


@pytest.mark.req("R-105")
@pytest.mark.req("R-107")
def test_the_ways_are_tried_in_the_person_s_own_order_then_in_ours() -> None:
    assert order(CONTACT) == ["wecom", "sms", "call", "email"]
    assert order(CONTACT, wishes=Wishes(channels=("email",))) == ["email", "wecom", "sms", "call"]
    assert order(CONTACT, replace(MESSAGE, passed=("wecom", "sms"))) == ["call", "email"]
    assert order(Contact(None, {"address": ("x",)})) == []


@pytest.mark.req("R-107")
def test_what_a_person_must_do_comes_last_unless_it_was_asked_for() -> None:
    channels = CHANNELS | {"call": Traits("phone", by_person=True)}
    contact = Contact("x", {"phone": ("1",), "email": ("a@b",)}, preferred="phone")

    def tried(wishes: Wishes) -> list[str]:
        found = ways(contact, channels, message=MESSAGE, wishes=wishes)
        return [way.channel for way in found]

    assert tried(Wishes()) == ["sms", "email", "call"]
    assert tried(Wishes(channels=("call",))) == ["call", "sms", "email"]


def test_a_way_that_somebody_closed_is_used_for_danger_alone() -> None:
    stopped = Wishes(stopped=("phone",))
    refusing = replace(CONTACT, consents={"email": False, "wecom": True})

    assert order(CONTACT, wishes=stopped) == ["wecom", "email"]
    assert order(refusing) == ["wecom", "sms", "call"]
    assert order(CONTACT, wishes=Wishes(stopped=("all",))) == []
    assert len(order(refusing, replace(MESSAGE, lane=0), Wishes(stopped=("all",)))) == 4


def test_retries_wait_longer_each_time_never_shorter_than_asked_and_end() -> None:
    waits = [next_attempt(attempts=at, now=NOW, asked=None, draw=lambda: 0.5) for at in range(1, 8)]
    assert waits == sorted(wait for wait in waits if wait)
    assert next_attempt(attempts=1, now=NOW, asked=600, draw=lambda: 0.5) == NOW + timedelta(
        seconds=600
    )
    assert next_attempt(attempts=8, now=NOW, asked=None, draw=lambda: 0.5) is None
