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


def test_an_address_of_kafka_names_who_asks_and_how_it_is_secured() -> None:
    settings = settings_from("kafka://ann:p%40ss%3A@one:9093,two:9093?ca=/run/ca.pem")

    assert (settings.user, settings.password) == ("ann", "p@ss:")
    assert settings.servers == ("one:9093", "two:9093")
    assert settings.mechanism == "SCRAM-SHA-512"
    assert settings.tls
    assert settings.ca == "/run/ca.pem"
    assert settings.password not in repr(settings)


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("kafka://", "no server"),
        ("kafka://h:1?speed=9", "speed"),
        ("kafka://h:1?replicas=x", "replicas"),
        ("kafka://h:1?tls=maybe", "tls"),
        ("kafka://h:1?tls=no&ca=f", "ca"),
        ("kafka://ann:secret-1@h:1?mechanism=GUESS", "mechanism"),
        ("kafka://h:1?mechanism=PLAIN", "without a user"),
        ("kafka://ann@h:1", "without a password"),
    ],
)
def test_a_wrong_address_of_kafka_is_refused_without_telling_its_password(
    url: str, wrong: str
) -> None:
    with pytest.raises(BusMisconfigured, match="kafka://host:port") as refused:
        settings_from(url)

    assert wrong in str(refused.value)
    assert "secret-1" not in str(refused.value)
