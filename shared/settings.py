"""Settings from the environment (`REDRESS_…`), and the secrets. Nothing is read at import."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import RedressError

SECRET_BYTES = 32
LEAST_DIFFERENT: Final = 12
"""Different bytes among 32 random ones; fewer come by chance once in more than 10^18 times."""
LEAST_PASSWORD: Final = 16


class SettingsError(RedressError):
    """A setting is missing or wrong; the message says which and what to set."""


class Settings(BaseSettings):
    """Every setting of every service (ARCHITECTURE, section 3). Names are the fields' names behind `REDRESS_`."""

    model_config = SettingsConfigDict(env_prefix="REDRESS_", frozen=True, extra="ignore")

    data: Path = Path("data")
    """Folder of everything kept on this machine."""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    url: str | None = None
    """The address in links that people get; default: this host and port."""
    bus: str = "embedded"
    """`embedded` or `kafka://host:port,…`; how it is secured: docs/operate.md."""
    bus_password_file: Path | None = None
    """File with the password for `bus`."""
    database: str = "sqlite"
    """`sqlite` or `postgresql://user:password@host:port/redress_{service}`."""
    database_password_file: str | None = None
    """File with the password for `database`; `{service}` in its name is the service's."""
    smtp: str | None = None
    """`smtp://user:password@host:port`; without it mails become files."""
    smtp_file: Path | None = None
    """File with that address, which may hold a password; empty where mails become files."""
    smtp_listen: str | None = None
    """`host:port` to listen for mails on; nothing is listened on without it."""
    imap: str | None = None
    """`imaps://user:password@host:993/INBOX?unit=…`, a mailbox to fetch mails from."""
    imap_file: Path | None = None
    """File with that address; empty where there is no mailbox."""
    mail_addresses: str = ""
    """Our mail addresses, and whose complaints come there: `complaints@example.com=root,hz@example.com=hangzhou`."""
    mail_authserv: str | None = None
    """The name under which our own mail server writes Authentication-Results; nobody else's are believed."""
    channels: Path | None = None
    """File that describes further ways to send: docs/notify.md."""
    callbacks: Path | None = None
    """File that names the accounts that WeChat and WeCom call us for: docs/adapters.md."""
    feeds: Path | None = None
    """File that describes feeds of posts and reviews to fetch: docs/adapters.md."""
    webhook_allow: str = ""
    """Networks of private webhook receivers, `10.0.0.0/8:8080,192.168.1.5`; none by default."""
    timezone: str = "Asia/Shanghai"
    services: str | None = None
    """How services reach each other, e.g. `http://{service}:8000`; default: this host and port."""
    secret: SecretStr | None = None
    secret_file: Path | None = None
    vault_key: SecretStr | None = None
    vault_key_file: Path | None = None
    token_key: SecretStr | None = None
    token_key_file: Path | None = None
    outbox_cap: int = Field(default=100_000, ge=1)
    """Intake answers 503 while more events than this wait to be published."""
    key_rate: float = Field(default=200.0, gt=0)
    """Requests a second that one key may send to a process of intake; over it: 429. In a batch each item counts."""
    key_burst: float = Field(default=400.0, ge=1)
    """Requests of one key that are taken at once after it was quiet."""
    test_units: str = ""
    """Units for tests, separated by commas: an administrator may erase everybody there at once."""
    clamd: str | None = None
    """`host:port` or a socket's path of clamd: attachments are given out once it has found nothing in them."""
    acknowledge_after: float = Field(default=60.0, ge=0)
    """Seconds without an owner after which the acknowledgement goes out all the same."""
    packs: Path | None = None
    """Folder of packs; default: the ones that come with Redress."""
    oidc_issuer: str | None = None
    """Address of the company's identity provider; staff sign in there beside the accounts of Redress."""
    oidc_client: str = "redress"
    """The client's id there."""
    oidc_secret: SecretStr | None = None
    oidc_secret_file: Path | None = None
    """The client's secret; none for a public client, which PKCE protects."""
    oidc_roles: Path | None = None
    """File that says which claim gives which role in which unit: docs/desk.md."""
    log_level: str = "info"

    @property
    def public_url(self) -> str:
        return (self.url or f"http://{self.host}:{self.port}").rstrip("/")

    def service_url(self, service: str) -> str:
        """Where another service's API answers, without its path."""
        here = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return (self.services or f"http://{here}:{self.port}").format(service=service)

    def database_url(self, service: str) -> str:
        """The SQLAlchemy address of one service's own database."""
        if self.database == "sqlite":
            return f"sqlite+aiosqlite:///{self.data.resolve() / service / 'state.db'}"
        if not self.database.startswith(("postgresql://", "postgres://")):
            raise SettingsError(
                f"REDRESS_DATABASE is {self.database!r}: set `sqlite` or `postgresql://…/redress_{{service}}`."
            )
        if "{service}" not in self.database:
            raise SettingsError(
                "REDRESS_DATABASE names one database for all services: put {service} in it, "
                "as in postgresql://user@host/redress_{service}; each service owns its database."
            )
        address = self.database.format(service=service)
        if self.database_password_file:
            address = _with_password(
                address,
                Path(self.database_password_file.format(service=service)),
                setting="REDRESS_DATABASE",
                example="postgresql://redress_{service}@host/redress_{service}",
            )
        return "postgresql+asyncpg://" + address.split("://", 1)[1]

    @property
    def bus_address(self) -> str:
        """Where the log is, and the password for it."""
        if self.bus_password_file is None:
            return self.bus
        return _with_password(
            self.bus,
            self.bus_password_file,
            setting="REDRESS_BUS",
            example="kafka://redress@host:9093",
        )

    @property
    def oidc_client_secret(self) -> str | None:
        """What the client proves itself with at the identity provider; None for a public client."""
        if self.oidc_secret is not None:
            return self.oidc_secret.get_secret_value()
        return self.oidc_secret_file.read_text().strip() or None if self.oidc_secret_file else None

    @property
    def units_for_tests(self) -> frozenset[str]:
        """Units whose people may be erased at once."""
        return frozenset(filter(None, map(str.strip, self.test_units.split(","))))

    @property
    def mail_units(self) -> dict[str, str]:
        """Our mail addresses, in lower case, with the unit of each."""
        found = {}
        for one in filter(None, map(str.strip, self.mail_addresses.split(","))):
            address, _, unit = one.partition("=")
            if "@" not in address:
                raise SettingsError(
                    f"REDRESS_MAIL_ADDRESSES has {one!r}: write address=unit, separated by commas, "
                    "as in complaints@example.com=root."
                )
            found[address.strip().lower()] = unit.strip() or "root"
        return found

    @property
    def imap_address(self) -> str | None:
        """The mailbox that mails are fetched from; None where there is none."""
        if self.imap is None and self.imap_file is not None:
            return self.imap_file.read_text().strip() or None
        return self.imap

    @property
    def smtp_address(self) -> str | None:
        """Where mails go; None where they become files."""
        if self.smtp is None and self.smtp_file is not None:
            return self.smtp_file.read_text().strip() or None
        return self.smtp


def _with_password(address: str, file: Path, *, setting: str, example: str) -> str:
    """The address with the password of the file. Raises SettingsError when there is none worth the name."""
    parts, password = urlsplit(address), file.read_text().strip()
    user, _, host = parts.netloc.rpartition("@")
    if not user or ":" in user:
        raise SettingsError(
            f"{setting} needs a role and no password where {setting}_PASSWORD_FILE is set, as in {example}."
        )
    if len(password) < LEAST_PASSWORD:
        raise SettingsError(
            f"{file} must hold a password of {LEAST_PASSWORD} characters or more: "
            "make one with `openssl rand -hex 32`."
        )
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}").geturl()


@dataclass(frozen=True, slots=True)
class Secrets:
    """Keys that never leave the machine: `signing` (tokens), `vault` (wraps data keys), `matching` (HMAC)."""

    signing: bytes
    vault: bytes
    matching: bytes


def load_secrets(settings: Settings, *, make: bool) -> Secrets:
    """Read the three secrets; with `make`, create the missing ones under the data folder (0600).

    Raises SettingsError when one is missing and may not be made, or is too short.
    """
    return Secrets(
        signing=_secret(settings, "secret", make=make),
        vault=_secret(settings, "vault_key", make=make),
        matching=_secret(settings, "token_key", make=make),
    )


def _secret(settings: Settings, name: str, *, make: bool) -> bytes:
    variable = f"REDRESS_{name.upper()}"
    given: SecretStr | None = getattr(settings, name)
    file: Path | None = getattr(settings, f"{name}_file")
    if given is not None:
        return _decode(given.get_secret_value(), variable)
    if file is not None:
        return _decode(file.read_text().strip(), f"{variable}_FILE")
    kept = settings.data / "secrets" / name
    if kept.exists():
        return _decode(kept.read_text().strip(), str(kept))
    if not make:
        raise SettingsError(
            f"{variable} is not set: give every service the same {SECRET_BYTES} random bytes in hex, "
            f"in {variable} or as a file named by {variable}_FILE."
        )
    kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    value = secrets.token_hex(SECRET_BYTES)
    write_private(kept, value + "\n")
    return bytes.fromhex(value)


def _decode(text: str, where: str) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != SECRET_BYTES or len(set(value)) < LEAST_DIFFERENT:
        raise SettingsError(
            f"{where} must hold {SECRET_BYTES} random bytes in hex (64 digits): "
            "make them with `openssl rand -hex 32`."
        )
    return value


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all, and wait for the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
