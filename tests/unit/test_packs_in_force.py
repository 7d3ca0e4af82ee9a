"""Which pack judges a unit: the last good one, whatever reaches the topic."""

from __future__ import annotations

import base64
import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from shared.contracts.desk import (
    Before,
    PolicyInForce,
    PolicyPack,
    PolicySeeded,
    PolicyUnit,
)
from shared.contracts.envelope import Event
from shared.errors import NotHereYet
from shared.packs.load import read_source, shipped_folder
from shared.packs.located import PackInvalid
from shared.packs.wire import WirePack, to_wire
from shared.policy import Policy

if TYPE_CHECKING:
    from shared.contracts.envelope import Body
    from shared.packs.model import Pack

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
GENERIC = read_source(shipped_folder() / "generic")
OVER_GENERIC = {
    "id": "shop",
    "name": {"zh": "门店", "en": "Shop"},
    "inherits": "generic@1.0",
    "in_force_from": "2026-01-01",
}


class Desk:
    """Says what a desk would say to one process."""

    def __init__(self) -> None:
        self.policy = Policy()
        self._sequences: dict[str, int] = {}
        self.say("unit/root", PolicyUnit(id="root", parent=None, title_zh="总部", title_en="Head"))
        self.say("unit/east", PolicyUnit(id="east", parent="root", title_zh="东", title_en="East"))
        self.pack(to_wire(GENERIC))
        self.put("root", "generic", "1.0", since=NOW - timedelta(days=1))
        self.say("seeded", PolicySeeded(at=NOW))
        self.policy.caught_up(NOW)

    def say(self, subject: str, body: Body) -> None:
        self._sequences[subject] = sequence = self._sequences.get(subject, 0) + 1
        event = Event("id", "redress/desk", body.name, subject, sequence, "root", NOW, body)
        self.policy.apply(event)

    def pack(self, wire: WirePack) -> None:
        pack, _, version = wire.ref.partition("@")
        said = PolicyPack(pack=pack, version=version, inherits=wire.inherits, body=wire.body)
        self.say(f"pack/{wire.ref}", said)

    def shop(self, version: str, **sections: object) -> None:
        """A version of a pack over generic; unknown sections are what a newer program would write."""
        self.pack(wire(version, **sections))

    def put(
        self,
        unit: str,
        pack: str,
        version: str,
        *,
        since: datetime = NOW,
        before: tuple[Before, ...] = (),
    ) -> None:
        said = PolicyInForce(unit=unit, pack=pack, version=version, since=since, before=before)
        self.say(f"in-force/{unit}", said)


def wire(version: str, **sections: object) -> WirePack:
    data = {"pack": {**OVER_GENERIC, "version": version}, **sections}
    body = base64.b64encode(zlib.compress(json.dumps(data).encode())).decode()
    return WirePack(ref=f"shop@{version}", inherits="generic@1.0", body=body)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_unit_without_a_pack_of_its_own_is_judged_by_its_parents(desk: Desk) -> None:
    desk.shop("1.0")
    desk.put("root", "shop", "1.0")

    assert desk.policy.in_force("east", NOW) == ("shop", "1.0")
    assert desk.policy.packs_problem(NOW) is None


def test_of_two_put_in_force_at_the_same_time_the_later_counts(desk: Desk) -> None:
    desk.shop("1.0")
    desk.shop("1.1")
    desk.put("root", "shop", "1.0")
    desk.put("root", "shop", "1.1")

    assert desk.policy.in_force("root", NOW) == ("shop", "1.1")


def test_a_pack_that_cannot_be_read_leaves_the_last_good_one_in_force(desk: Desk) -> None:
    desk.shop("1.0")
    desk.put("root", "shop", "1.0")
    desk.shop("1.1", feelings=[{"id": "new"}])
    desk.put("root", "shop", "1.1")

    assert desk.policy.in_force("east", NOW) == ("shop", "1.0")
    assert desk.policy.is_ready
    problem = desk.policy.packs_problem(NOW)
    assert problem is not None
    for told in (
        "shop@1.1 for root",
        "shop@1.0 stays in force",
        "feelings: there is no such field",
        "Upgrade",
    ):
        assert told in problem


def test_once_a_good_one_comes_nothing_is_wrong_any_more(desk: Desk) -> None:
    desk.shop("1.1", feelings=[])
    desk.put("root", "shop", "1.1")
    assert desk.policy.packs_problem(NOW) is not None

    desk.shop("1.2")
    desk.put("root", "shop", "1.2")

    assert desk.policy.in_force("root", NOW) == ("shop", "1.2")
    assert desk.policy.packs_problem(NOW) is None


def test_what_another_process_could_read_is_judged_by_the_last_good_one_here(desk: Desk) -> None:
    """A newer intake stamped a complaint with a version that this program does not understand."""
    desk.shop("1.0")
    desk.put("east", "shop", "1.0")
    desk.shop("1.1", feelings=[])
    desk.put("east", "shop", "1.1")

    assert desk.policy.pack("shop", "1.1").ref == "shop@1.0"
    assert desk.policy.pack("shop", "1.0").ref == "shop@1.0"


def test_what_is_in_force_nowhere_and_cannot_be_read_is_stood_in_for_by_the_roots(
    desk: Desk,
) -> None:
    desk.shop("0.9", feelings=[])

    assert desk.policy.pack("shop", "0.9").ref == "generic@1.0"


def test_a_version_that_did_not_arrive_is_waited_for_and_judges_nobody(desk: Desk) -> None:
    desk.put("root", "shop", "3.0")

    assert desk.policy.in_force("root", NOW) == ("generic", "1.0")
    assert "never arrived" in str(desk.policy.packs_problem(NOW))
    with pytest.raises(NotHereYet):
        desk.policy.pack("shop", "3.0")


def test_where_no_pack_can_be_read_the_error_is_told() -> None:
    policy = Policy()
    bad = wire("1.0", feelings=[])
    for sequence, body in enumerate(
        (
            PolicyPack(pack="shop", version="1.0", inherits=None, body=bad.body),
            PolicyInForce(unit="root", pack="shop", version="1.0", since=NOW),
        )
    ):
        policy.apply(Event("id", "redress/desk", body.name, str(sequence), 1, "root", NOW, body))

    with pytest.raises(PackInvalid):
        policy.pack("shop", "1.0")


def test_whatever_is_wrong_with_a_pack_stops_it_and_nothing_else(desk: Desk) -> None:
    desk.pack(WirePack(ref="shop@1.0", inherits="generic@1.0", body="no base64 at all"))
    desk.put("root", "shop", "1.0")
    deep = "[" * 900 + "]" * 900
    body = base64.b64encode(zlib.compress(deep.encode())).decode()
    desk.pack(WirePack(ref="shop@2.0", inherits="generic@1.0", body=body))
    desk.put("east", "shop", "2.0")

    assert desk.policy.in_force("east", NOW) == ("generic", "1.0")
    assert "shop@1.0" in str(desk.policy.packs_problem(NOW))
    assert "shop@2.0" in str(desk.policy.packs_problem(NOW))


def test_a_version_that_begins_later_leaves_the_present_one_until_then(desk: Desk) -> None:
    desk.shop("1.0")
    desk.put("root", "shop", "1.0", since=NOW + timedelta(days=1))

    assert desk.policy.in_force("root", NOW) == ("generic", "1.0")
    assert desk.policy.in_force("root", NOW + timedelta(days=1)) == ("shop", "1.0")


def test_a_bad_version_is_told_before_it_begins(desk: Desk) -> None:
    desk.shop("1.0", feelings=[])
    desk.put("root", "shop", "1.0", since=NOW + timedelta(days=1))

    assert "generic@1.0 stays in force" in str(desk.policy.packs_problem(NOW))


def test_the_last_event_of_a_unit_is_all_there_is_to_know(desk: Desk) -> None:
    """The topic is compacted: what was said before about a unit may be gone."""
    before = (
        Before(pack="generic", version="1.0", since=NOW - timedelta(days=9)),
        Before(pack="shop", version="1.0", since=NOW - timedelta(days=2)),
    )
    desk.shop("1.0")
    desk.put("east", "shop", "2.0", since=NOW + timedelta(days=2), before=before)

    assert desk.policy.in_force("east", NOW) == ("shop", "1.0")
    assert desk.policy.in_force("east", NOW - timedelta(days=3)) == ("generic", "1.0")


def test_what_is_derived_ahead_is_there_before_a_pack_judges(desk: Desk) -> None:
    made: list[str] = []

    def make(pack: Pack) -> str:
        made.append(pack.ref)
        return pack.ref

    desk.policy.derive_ahead(make)
    desk.shop("1.0")
    desk.put("root", "shop", "1.0")
    desk.policy.packs_problem(NOW)

    assert made == ["shop@1.0"]
    assert desk.policy.pack("shop", "1.0").derived(make) == "shop@1.0"
    assert made == ["shop@1.0"]
