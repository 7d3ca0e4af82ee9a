"""Where keys land, and which messages are too large."""

from __future__ import annotations

import pytest
from aiokafka.partitioner import murmur2 as kafkas_murmur2
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.kafka.settings import settings_from
from shared.bus.partition import first_oversize, murmur2, partition_for
from shared.bus.port import BusMisconfigured, Message
from shared.bus.topics import ALL


@given(st.binary(max_size=64))
def test_keys_are_hashed_as_kafkas_clients_hash_them(data: bytes) -> None:
    assert murmur2(data) == kafkas_murmur2(data)


@given(st.text(max_size=40), st.integers(min_value=1, max_value=50))
def test_a_key_lands_in_one_of_the_partitions(key: str, partitions: int) -> None:
    assert 0 <= partition_for(key, partitions) < partitions


def test_key_and_value_count_together_in_bytes() -> None:
    messages = [Message("ab", b"12"), Message("投", b"12")]

    assert first_oversize(messages, 4) == 1
    assert first_oversize(messages, 5) is None


def test_every_topic_has_one_owner_and_only_policy_is_compacted() -> None:
    assert len({topic.name for topic in ALL}) == len(ALL) == 6
    [policy] = [topic for topic in ALL if topic.compacted]
    assert (policy.name, policy.partitions) == ("redress.policy", 1)
    assert {topic.partitions for topic in ALL if topic is not policy} == {12}
    assert [topic.name for topic in ALL if topic.retention] == ["redress.notifications"]


def test_an_address_of_kafka_names_servers_and_options() -> None:
    settings = settings_from("kafka://one:9092,two:9093?replicas=3&member=a")

    assert settings.servers == ("one:9092", "two:9093")
    assert settings.replicas == 3
    assert settings.member == "a"


@pytest.mark.parametrize("url", ["kafka://", "kafka://h:1?speed=9", "kafka://h:1?replicas=x"])
def test_a_wrong_address_of_kafka_is_refused(url: str) -> None:
    with pytest.raises(BusMisconfigured, match="kafka://host:port"):
        settings_from(url)
