"""Settings that hold or lead to secrets: what is refused before anything starts."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from shared.settings import Settings, SettingsError, load_secrets

ADDRESS = "postgresql://redress_{service}@postgres/redress_{service}"


def with_password(folder: Path, password: str, *, database: str = ADDRESS) -> Settings:
    (folder / "database_intake").write_text(password + "\n")
    return Settings(database=database, database_password_file=f"{folder}/database_{{service}}")


def test_a_password_comes_from_the_file_of_the_service_whatever_is_in_it(tmp_path: Path) -> None:
    settings = with_password(tmp_path, "p@ss/word:with?all#in it")

    assert settings.database_url("intake") == (
        "postgresql+asyncpg://redress_intake:p%40ss%2Fword%3Awith%3Fall%23in%20it@postgres/redress_intake"
    )


@pytest.mark.parametrize("password", ["", "redress", "postgres", "changeme"])
def test_an_empty_or_usual_password_is_refused_by_the_name_of_its_file(
    tmp_path: Path, password: str
) -> None:
    with pytest.raises(SettingsError, match="database_intake must hold a password of 16"):
        with_password(tmp_path, password).database_url("intake")


@pytest.mark.parametrize(
    "address", ["postgresql://postgres/{service}", "postgresql://redress:x@postgres/{service}"]
)
def test_a_password_file_needs_an_address_with_a_role_and_no_password(
    tmp_path: Path, address: str
) -> None:
    with pytest.raises(SettingsError, match="needs a role and no password"):
        with_password(tmp_path, "a" * 32, database=address).database_url("intake")


def test_the_log_has_a_password_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "kafka").write_text("p@ss word of the log\n")
    settings = Settings(
        bus="kafka://redress@one:9093,two:9093?tls=yes", bus_password_file=tmp_path / "kafka"
    )

    assert (
        settings.bus_address
        == "kafka://redress:p%40ss%20word%20of%20the%20log@one:9093,two:9093?tls=yes"
    )
    assert Settings(bus="embedded").bus_address == "embedded"


@pytest.mark.parametrize("secret", ["", "changeme", "00" * 32, "0123456789abcdef" * 4, "ab" * 31])
def test_a_secret_that_is_empty_usual_short_or_not_random_is_refused(
    tmp_path: Path, secret: str
) -> None:
    for name in ("secret", "vault_key", "token_key"):
        (tmp_path / name).write_text(secrets.token_hex(32))
    (tmp_path / "vault_key").write_text(secret)
    settings = Settings(
        secret_file=tmp_path / "secret",
        vault_key_file=tmp_path / "vault_key",
        token_key_file=tmp_path / "token_key",
    )

    with pytest.raises(SettingsError, match="REDRESS_VAULT_KEY_FILE must hold 32 random bytes"):
        load_secrets(settings, make=False)


def test_the_address_for_mails_may_be_a_file_and_an_empty_one_means_files(tmp_path: Path) -> None:
    (tmp_path / "smtp").write_text("")
    (tmp_path / "filled").write_text("smtp://user:password@mail:587\n")

    assert Settings(smtp_file=tmp_path / "smtp").smtp_address is None
    assert Settings(smtp_file=tmp_path / "filled").smtp_address == "smtp://user:password@mail:587"
    assert Settings(smtp="smtp://mail:25").smtp_address == "smtp://mail:25"
