"""Builds intake."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

from services.intake.api import routes
from services.intake.api.arriving import Arrivals
from services.intake.api.attachments import attachment_files, path_of
from services.intake.api.callbacks import Callbacks
from services.intake.api.codes import Codes
from services.intake.api.delivery import Deliveries
from services.intake.api.door import Door
from services.intake.api.gate import Gate
from services.intake.api.imports import Imports
from services.intake.api.mailing import Mailing
from services.intake.channels.accounts import read_accounts
from services.intake.channels.feeds import read_feeds
from services.intake.channels.port import Own
from services.intake.policy.seal import Vault
from services.intake.policy.tokens import Tokens
from services.intake.store import FRAME
from services.intake.subscriptions import SUBSCRIPTIONS
from services.intake.usecases.matching import Matcher
from services.intake.usecases.scanning import Scanner
from services.intake.usecases.scrubbing import Scrubber
from services.intake.usecases.writing import writer
from shared.service import Environment, Service
from shared.settings import Secrets, Settings
from shared.store.batch import Batcher
from shared.store.database import Database


def build(environment: Environment) -> Service[None]:
    """Intake over its own database."""
    settings, secrets = environment.settings, environment.secrets
    database = Database(
        settings.database_url("intake"), frame=FRAME, service="intake", clock=environment.clock
    )
    vault = Vault(secrets.vault)
    matcher = Matcher(database)
    write = writer(vault, wake=matcher.wake)
    batcher = Batcher(database, write)
    door = Door(environment, batcher, vault, Tokens(secrets.matching))
    mailing = Mailing(Arrivals(door, database, _own(settings, secrets)))
    gate = Gate(database, cap=settings.outbox_cap, folder=settings.data)
    scrubber = Scrubber(
        database, url=settings.database_url("intake"), path_of=partial(path_of, settings.data)
    )
    codes = Codes(door, gate, database)
    accounts = read_accounts(settings.callbacks) if settings.callbacks else {}
    callbacks = Callbacks(door, gate, database, accounts)
    router, direct = routes(environment, database, door, mailing, gate, scrubber, codes)
    callbacks.add_to(router)
    imports = Imports(door, gate, database, write=write)
    imports.add_to(router)

    async def stop() -> None:
        await matcher.stop()
        await codes.settle()

    return Service(
        name="intake",
        title="Complaints in, and the vault of personal data.",
        database=database,
        context=None,
        router=router,
        direct=direct,
        migrations=Path(__file__).parent / "migrations",
        subscriptions=SUBSCRIPTIONS,
        files=attachment_files,
        on_stopped=stop,
        loops=(
            scrubber.run,
            matcher.run,
            imports.run,
            *([callbacks.run] if accounts else []),
            *_feed_loops(settings, Arrivals(door, database, Own()), gate),
            *_scanning(settings, database, vault),
            *_mail_loops(settings, Deliveries(environment, mailing, gate)),
        ),
    )


def _own(settings: Settings, secrets: Secrets) -> Own:
    """What tells our own mails from others."""
    return Own(
        key=secrets.matching,
        addresses=frozenset(settings.mail_units),
        authserv=settings.mail_authserv or None,
    )


def _scanning(
    settings: Settings, database: Database, vault: Vault
) -> Iterator[Callable[[], Awaitable[None]]]:
    """The loop that has files scanned, where there is a scanner."""
    if settings.clamd:
        path = partial(path_of, settings.data)
        yield Scanner(database, vault, address=settings.clamd, path_of=path).run


def _feed_loops(
    settings: Settings, arrivals: Arrivals, gate: Gate
) -> Iterator[Callable[[], Awaitable[None]]]:
    """The loop that fetches posts and reviews, where a file describes feeds."""
    if settings.feeds:
        from services.intake.api.feeds import Feeds

        yield Feeds(arrivals, gate, read_feeds(settings.feeds)).run


def _mail_loops(
    settings: Settings, deliveries: Deliveries
) -> Iterator[Callable[[], Awaitable[None]]]:
    """The loops by which mails come in by themselves, where settings ask for them."""
    if settings.smtp_listen:
        from services.intake.api.smtp import Listener

        yield Listener(deliveries, address=settings.smtp_listen, units=settings.mail_units).run
    if address := settings.imap_address:
        from services.intake.api.imap import Mailbox, Poller

        yield Poller(deliveries, Mailbox.at(address)).run
