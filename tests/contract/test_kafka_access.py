"""A broker that lets in only who knows a password, over TLS: as operators run it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dev.kafka import new_broker
from shared.bus.kafka.bus import open_kafka
from shared.bus.kafka.settings import KafkaSettings
from shared.bus.port import BusMisconfigured, BusUnavailable, Message, PublishFailed, Topic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

PASSWORD = "a password of the tests"
LOGIN = (
    "org.apache.kafka.common.security.plain.PlainLoginModule required "
    f'username="redress" password="{PASSWORD}" user_redress="{PASSWORD}";'
)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaSettings]:
    folder = tmp_path_factory.mktemp("guarded")
    key, certificate = _certificate()
    (folder / "ca.pem").write_text(certificate)
    broker = new_broker(
        folder / "kafka",
        settings={
            # The listener keeps its name, and with it its place: only what is spoken there differs.
            "listener.security.protocol.map": "PLAINTEXT:SASL_SSL,CONTROLLER:PLAINTEXT",
            "sasl.enabled.mechanisms": "PLAIN",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "listener.name.plaintext.plain.sasl.jaas.config": LOGIN,
            "ssl.keystore.type": "PEM",
            "ssl.keystore.key": _one_line(key),
            "ssl.keystore.certificate.chain": _one_line(certificate),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.certificates": _one_line(certificate),
        },
    )
    broker.start()
    yield KafkaSettings(
        (broker.bootstrap,),
        user="redress",
        password=PASSWORD,
        mechanism="PLAIN",
        tls=True,
        ca=str(folder / "ca.pem"),
        answer_timeout=timedelta(seconds=10),
    )
    broker.remove()


def _one_line(text: str) -> str:
    """As a properties file takes it."""
    return text.strip().replace("\n", "\\n")


def _certificate() -> tuple[str, str]:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a broker of the tests")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()


async def test_with_user_password_and_certificate_it_is_used_like_any_other(
    guarded: KafkaSettings,
) -> None:
    async with open_kafka(guarded) as bus:
        await bus.create_topics([Topic("guarded", partitions=1)])
        await bus.publish("guarded", [Message("a", b"1")])
        async with bus.subscribe("readers", ["guarded"]) as subscription:
            async with asyncio.timeout(60):
                while not (batch := await subscription.take(at_most=9, wait=timedelta(seconds=1))):
                    pass
            [(slot, [record])] = batch.items()
            await subscription.commit({slot: record.offset + 1})
        lag = await bus.lag("readers", ["guarded"])

    assert record.value == b"1"
    assert sum(lag.values()) == 0


async def test_a_wrong_password_lets_nothing_through_and_the_log_says_why(
    guarded: KafkaSettings, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_kafka(replace(guarded, password="another one")) as bus:
        with pytest.raises(PublishFailed):
            await bus.publish("guarded", [Message("a", b"1")])

    assert "Invalid username or password" in caplog.text
    assert "another one" not in caplog.text


async def test_a_certificate_of_an_unknown_authority_lets_nothing_through(
    guarded: KafkaSettings,
) -> None:
    async with open_kafka(replace(guarded, ca=None)) as bus:
        with pytest.raises(BusUnavailable):
            await bus.lag("readers", ["guarded"])


async def test_a_missing_file_of_authorities_is_named(
    guarded: KafkaSettings, tmp_path: Path
) -> None:
    async with open_kafka(replace(guarded, ca=str(tmp_path / "none.pem"))) as bus:
        with pytest.raises(BusMisconfigured, match=r"none\.pem"):
            await bus.publish("guarded", [Message("a", b"1")])
