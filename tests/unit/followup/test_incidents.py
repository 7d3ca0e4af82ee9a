"""Which incident something opens or joins, and which a case is part of."""

from __future__ import annotations

import random
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from services.followup.model import (
    Fact,
    IncidentJoined,
    IncidentLeft,
    IncidentMoved,
)
from services.followup.policy.case import fold
from services.followup.policy.incidents.joining import opens_incident, shown, sign_of
from services.followup.policy.incidents.table import COMMANDS, missing
from shared.contracts.incidents import IncidentUpdated, Inspected
from shared.contracts.values import IncidentState
from tests.service.followup.bench import MONDAY, received
from tests.service.followup.together import warning
from tests.unit.followup.facts import minute, receipt


def incident(**more: object) -> IncidentUpdated:
    values: dict[str, object] = {
        "incident_id": "i1", "state": "open", "version": 1, "zh": "停电", "en": "Outage", "origin": "staff",
        "opened_at": MONDAY,
    }  # fmt: skip
    return IncidentUpdated.model_validate(values | more)


def test_a_warning_opens_an_incident_only_of_what_is_behind_several_complaints() -> None:
    assert opens_incident(warning("a", "b"))
    assert not opens_incident(warning("a"))
    assert not opens_incident(warning("a", "b", measure="breach_rate"))
    assert not opens_incident(warning("a", "b", shared={"staff": "s1"}))


def test_the_surest_thing_that_complaints_share_is_their_sign() -> None:
    shared = {"category": "CEM-SND", "area": "330106", "batch_no": "A2511"}

    sign = sign_of(warning("a", "b", shared=shared))

    assert sign is not None
    assert (sign.by, sign.value) == ("batch_no", "A2511")
    assert sign_of(warning("a", "b", shared={"category": "CEM-SND"})) is None


def test_a_complaint_shows_its_fields_and_its_references_tokens() -> None:
    said = received(MONDAY, area="330106", shop="", reference_tokens={"feeder_no": "t1"})

    assert dict(shown(said)) == {"area": "330106", "feeder_no": "t1"}


def test_a_command_names_every_fact_that_it_lacks_else_the_state() -> None:
    solved = incident(state="solved", inspections=Inspected(objects=1))

    assert [one.field for one in missing(COMMANDS["close"], solved)] == ["cause", "inspections"]
    assert [one.field for one in missing(COMMANDS["close"], incident())] == ["cause"]
    assert [one.field for one in missing(COMMANDS["investigate"], solved)] == ["state"]
    assert [one.field for one in missing(COMMANDS["act"], incident(state="acting"))] == ["state"]
    closed = incident(state="closed")
    assert all(missing(one, closed) for one in COMMANDS.values())


STATES: st.SearchStrategy[IncidentState] = st.sampled_from(get_args(IncidentState))


@st.composite
def stays(draw: st.DrawFn) -> list[Fact]:
    """One incident after another, as the record has them."""
    found: list[Fact] = [receipt()]
    for at in range(draw(st.integers(0, 3))):
        id_ = f"i{at}"
        whats: list[IncidentJoined | IncidentMoved | IncidentLeft] = [
            IncidentJoined(id_, draw(STATES))
        ]
        whats += [IncidentMoved(id_, one) for one in draw(st.lists(STATES, max_size=3))]
        if draw(st.booleans()):
            whats.append(IncidentLeft(id_, "reason"))
        found += [
            Fact(what, minute(1), "su", 1, len(found) + place) for place, what in enumerate(whats)
        ]
    return found


@given(stays(), st.randoms(use_true_random=False))
def test_a_case_is_part_of_what_it_joined_last_and_did_not_leave_in_any_order_of_its_facts(
    facts: list[Fact], randomness: random.Random
) -> None:
    last = facts[-1].what
    shuffled = list(facts)
    randomness.shuffle(shuffled)

    case = fold(shuffled)

    assert case is not None
    if isinstance(last, IncidentJoined | IncidentMoved):
        assert case.incident is not None
        assert (case.incident.id, case.incident.state) == (last.incident, last.state)
    else:
        assert case.incident is None
