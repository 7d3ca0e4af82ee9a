"""Builds notify."""

from pathlib import Path

import httpx

from services.notify.api import routes
from services.notify.channels import Channel
from services.notify.channels.email import FileChannel, SmtpChannel
from services.notify.sender import Sender, Vault
from services.notify.store import FRAME, remember
from services.notify.subscriptions import FEED, SUBSCRIPTIONS
from services.notify.timers import TIMERS
from services.notify.usecases import Notify
from shared.service import Environment, Service
from shared.settings import Settings
from shared.store.database import Database
from shared.store.signal import Signal

VAULT_SECONDS = 5.0


def build(
    environment: Environment, *, transport: httpx.AsyncBaseTransport | None = None
) -> Service[Notify]:
    """Notify over its own database. `transport` is how it reaches the vault; the network when None."""
    settings = environment.settings
    database = Database(
        settings.database_url("notify"), frame=FRAME, service="notify", clock=environment.clock
    )
    notify = Notify(settings, environment.policy, planned=Signal(), appended=Signal())
    client = httpx.AsyncClient(
        base_url=settings.service_url("intake"),
        timeout=VAULT_SECONDS,
        transport=transport,
        trust_env=False,
    )
    sender = Sender(
        database=database,
        notify=notify,
        vault=Vault(client, environment.guard),
        channels={channel.name: channel for channel in _channels(settings)},
        metrics=environment.metrics,
        is_alone=settings.bus == "embedded",
    )
    return Service(
        name="notify",
        title="What is sent to customers, and the feed of all events.",
        database=database,
        context=notify,
        router=routes(environment, database, notify),
        migrations=Path(__file__).parent / "migrations",
        subscriptions=SUBSCRIPTIONS,
        read_models=(FEED,),
        timers=TIMERS,
        remember=remember,
        loops=(sender.run,),
        on_stopped=sender.stop,
    )


def _channels(settings: Settings) -> list[Channel]:
    if address := settings.smtp_address:
        return [SmtpChannel(address)]
    return [FileChannel(settings.data / "notify" / "mail")]
