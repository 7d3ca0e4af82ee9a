"""`redress verify` on a real system: a kept promise, and one broken behind its back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from redress.verify.invariants import check
from redress.verify.reading import read_system

if TYPE_CHECKING:
    from tests.world import World

pytestmark = pytest.mark.slow


async def test_a_system_at_rest_kept_its_promises_and_a_lost_case_is_named(world: World) -> None:
    made = await world.complain()
    await world.settle()
    settings = world.environment.settings

    before = check(await read_system(settings, now=world.clock.now()), None)
    followup = world.service("followup").service.database
    await followup.run(lambda tx: tx.execute(text("DELETE FROM cases")))
    after = check(await read_system(settings, now=world.clock.now()), None)

    assert before == []
    assert [(one.invariant, one.subject) for one in after] == [("I1", made["id"])]
