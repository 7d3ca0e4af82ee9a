"""Builds notify."""

from collections.abc import Sequence
from pathlib import Path

import httpx

from services.notify.api import routes
from services.notify.api.door import Door
from services.notify.channels import Channel, calls, table
from services.notify.channels.addresses import allowed_networks
from services.notify.channels.email import SmtpChannel
from services.notify.channels.guarded import Poster
from services.notify.channels.vault import Vault
from services.notify.sender import Deliverer, Digester, Sender, Spreader
from services.notify.store import FRAME, remember
from services.notify.subscriptions import FEED, SUBSCRIPTIONS
from services.notify.timers import TIMERS
from services.notify.usecases import Group, Notify
from shared.service import Environment, Service
from shared.store.database import Database
from shared.store.signal import Signal
from shared.web.trust import client

VAULT_SECONDS = 5.0


def build(
    environment: Environment, *, transport: httpx.AsyncBaseTransport | None = None
) -> Service[Notify]:
    """Notify over its own database. `transport` is how it reaches the vault; the network when None."""
    settings = environment.settings
    database = Database(
        settings.database_url("notify"), frame=FRAME, service="notify", clock=environment.clock
    )
    channels = _channels(environment)
    groups = [Group(one.name, one.traits.units) for one in channels if one.traits.units]
    notify = Notify(
        settings, environment.policy, planned=Signal(), appended=Signal(), groups=groups
    )
    intake, followup = (
        client(base_url=settings.service_url(name), timeout=VAULT_SECONDS, transport=transport)
        for name in ("intake", "followup")
    )
    vault = Vault(intake, environment.guard, environment.policy)
    by_name = {channel.name: channel for channel in channels}
    sender = Sender(
        database=database,
        notify=notify,
        vault=vault,
        channels=by_name,
        metrics=environment.metrics,
        key=environment.secrets.matching,
        is_alone=settings.bus == "embedded",
    )
    poster = Poster(allowed_networks(settings))
    deliverer = Deliverer(
        database=database, notify=notify, poster=poster, key=environment.secrets.signing,
        is_alone=settings.bus == "embedded",
    )  # fmt: skip
    spreader = Spreader(database=database, notify=notify, client=followup, guard=environment.guard)
    digester = Digester(database=database, notify=notify)
    return Service(
        name="notify",
        title="What is sent to customers, and the feed of all events.",
        database=database,
        context=notify,
        router=routes(Door(environment, database, notify, vault, by_name), poster),
        migrations=Path(__file__).parent / "migrations",
        subscriptions=SUBSCRIPTIONS,
        read_models=(FEED,),
        timers=TIMERS,
        remember=remember,
        loops=(sender.run, deliverer.run, spreader.run, digester.run),
        on_stopped=lambda: _stop(sender, deliverer, channels),
    )


def _channels(environment: Environment) -> Sequence[Channel]:
    settings, secrets = environment.settings, environment.secrets
    folder = settings.channels.parent if settings.channels else Path()
    return table.build(
        table.Means(
            settings,
            secrets.matching,
            secrets.signing,
            calls.client(),
            environment.clock.now,
            folder,
        )
    )


async def _stop(sender: Sender, deliverer: Deliverer, channels: Sequence[Channel]) -> None:
    await sender.stop()
    await deliverer.stop()
    for one in channels:
        if isinstance(one, SmtpChannel):
            await one.stop()
