"""Looking at the log beside the process that has it, on either engine."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from shared.bus.open import open_bus, open_view
from shared.bus.port import BusMisconfigured, Message, Topic

if TYPE_CHECKING:
    from pathlib import Path

WAIT = timedelta(seconds=5)


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def url(request: pytest.FixtureRequest) -> str:
    if request.param == "embedded":
        return "embedded"
    return f"kafka://{request.getfixturevalue('kafka_broker')}"


async def test_the_log_can_be_looked_at_while_another_has_it(url: str, tmp_path: Path) -> None:
    topic, group = f"t-{secrets.token_hex(4)}", f"g-{secrets.token_hex(4)}"
    messages = [Message(f"k{at}", b"%d" % at) for at in range(20)]
    async with open_bus(url, folder=tmp_path) as bus:
        await bus.create_topics([Topic(topic, partitions=3)])
        await bus.publish(topic, messages)

        async with open_view(url, folder=tmp_path) as view:
            found = set()
            async with view.read(topic) as reader:
                while not reader.caught_up:
                    found |= {one.value for one in await reader.read(wait=WAIT)}
            lag = await view.lag(group, [topic])

    assert found == {message.value for message in messages}
    assert sum(lag.values()) == len(messages)


async def test_a_folder_without_a_log_says_which_setting_to_look_at(tmp_path: Path) -> None:
    with pytest.raises(BusMisconfigured, match="REDRESS_DATA"):
        async with open_view("embedded", folder=tmp_path):
            pass
