from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from services.notify.model import Contact
from services.notify.policy import choose
from services.notify.policy.retry import next_attempt
from services.notify.policy.way import choose_way
from shared.contracts.followup import CaseOpened
from shared.contracts.values import CaseClock, Owner, Resolution
from shared.packs.letters import write_letter
from shared.packs.load import load_folder, shipped_folder

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
    planned = choose.acknowledgement(a_case(), owner="小安", zone="Asia/Shanghai")

    assert planned.letter == "acknowledgement"
    assert planned.variables == {
        "number": "1234-5678-903",
        "owner": "小安",
        "first_contact_by": "2026年3月2日 11:00",
    }


@pytest.mark.req("R-104")
def test_english_gets_english_times() -> None:
    planned = choose.acknowledgement(a_case(language="en"), owner=None, zone="Asia/Shanghai")
    assert planned.variables["first_contact_by"] == "2 March 2026, 11:00"
    assert choose.language_of(a_case(language="other")) == "en"


@pytest.mark.parametrize(
    ("kind", "letter"),
    [("grumble", "acknowledgement_grumble"), ("praise", "praise_reply"), (None, "acknowledgement")],
)
def test_each_kind_is_answered_in_its_own_tone(kind: str | None, letter: str) -> None:
    assert (
        choose.acknowledgement(a_case(kind=kind), owner=None, zone="Asia/Shanghai").letter == letter
    )


def test_a_later_cycle_begins_with_an_apology_for_the_first() -> None:
    assert (
        choose.acknowledgement(a_case(cycle=2), owner=None, zone="Asia/Shanghai").letter
        == "reopened"
    )


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
    body = write_letter(template, language=language, values=planned.variables).body
    assert "电压不稳" in body
    assert "免费更换电表" in body


def test_without_a_result_nothing_is_told() -> None:
    assert choose.result(a_case()) is None


def test_the_preferred_way_wins_and_without_a_usable_one_there_is_none() -> None:
    contact = Contact("x", {"phone": ("1",), "email": ("a@b",), "wecom": ("w",)}, preferred="wecom")
    assert choose_way(contact, {"email", "wecom"}) == ("wecom", "w")
    assert choose_way(contact, {"email"}) == ("email", "a@b")
    assert choose_way(contact, {"sms"}) is None


def test_retries_wait_longer_each_time_never_shorter_than_asked_and_end() -> None:
    waits = [next_attempt(attempts=at, now=NOW, asked=None, draw=lambda: 0.5) for at in range(1, 8)]
    assert waits == sorted(wait for wait in waits if wait)
    assert next_attempt(attempts=1, now=NOW, asked=600, draw=lambda: 0.5) == NOW + timedelta(
        seconds=600
    )
    assert next_attempt(attempts=8, now=NOW, asked=None, draw=lambda: 0.5) is None
