"""The sender: takes due messages, asks the vault where to, hands them to a channel. No transaction is open meanwhile.

Each attempt is committed before the provider is called and again after. A crash in between leaves an attempt that
never ended: it is made again, with the same id, so that a provider or a mailbox can drop the repeat. Nothing else
repeats one: an attempt that was made is recorded however long the database is away, and a stop waits for it.
"""

import asyncio
import random
from collections import deque
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Final, TypeVar

import httpx

from services.notify import store, usecases
from services.notify.channels import Channel
from services.notify.model import Contact, Ended, Message, Outgoing, Sent
from services.notify.policy.way import choose_way
from services.notify.usecases import Notify
from shared import faults, telemetry
from shared.errors import Gone, Transient
from shared.packs.letters import Written, write_letter
from shared.store.batch import Batcher
from shared.store.database import Database
from shared.web.credentials import Guard

R = TypeVar("R")

AT_ONCE: Final = 4
CLAIM: Final = 20
"""Attempts begun in one transaction: what a killed sender leaves to be made again after their limit."""
PATIENCE_SECONDS: Final = 0.05
"""How long what became of an attempt may wait to be recorded together with what becomes of the others under way."""
POLL_SECONDS: Final = 0.5
VAULT_PAUSE_SECONDS: Final = 2.0
RECORD_PAUSE_SECONDS: Final = 0.5
VAULT_SCOPES: Final = frozenset({"vault:read"})

log = telemetry.logger("sender")


class Vault:
    """Where people can be reached, asked of intake at the moment of sending."""

    def __init__(self, client: httpx.AsyncClient, guard: Guard) -> None:
        self._client = client
        self._guard = guard

    async def contact(self, message: Message) -> Contact | None:
        """Name and contact points; None when the vault has none. Raises Gone (erased) or Transient (away)."""
        headers = {"Authorization": f"Bearer {self._guard.service_token('notify', VAULT_SCOPES)}"}
        try:
            answer = await self._client.get(
                f"/intake/v1/vault/complainants/{message.complainant_id}",
                params={"complaint": message.complaint},
                headers=headers,
            )
        except httpx.HTTPError as error:
            raise Transient(f"the vault is away: {type(error).__name__}") from error
        if answer.status_code == httpx.codes.GONE:
            raise Gone("The complainant was erased.")
        if answer.status_code != httpx.codes.OK:
            raise Transient(f"the vault answered {answer.status_code}")
        found = answer.json()
        addresses: dict[str, tuple[str, ...]] = {}
        for one in found.get("contacts", ()):
            addresses[one["type"]] = (*addresses.get(one["type"], ()), one["value"])
        return Contact(found.get("name"), addresses, found.get("preferred_channel"), found.get("language"),
                       found.get("code"))  # fmt: skip


class Sender:
    """Sends one service's messages, a few at a time."""

    def __init__(
        self, *, database: Database, notify: Notify, vault: Vault, channels: Mapping[str, Channel],
        metrics: telemetry.Metrics, is_alone: bool,
    ) -> None:  # fmt: skip
        self._database = database
        self._notify = notify
        self._vault = vault
        self._channels = channels
        self._metrics = metrics
        self._is_alone = is_alone
        self._finishing = Batcher[Ended, None](
            database, usecases.finish, coming=lambda: self._sending, patience=PATIENCE_SECONDS
        )
        self._begun: deque[Message] = deque()
        self._sending = 0
        self._under_way: set[asyncio.Task[Any]] = set()

    async def run(self) -> None:
        """Send for ever."""
        if self._is_alone:
            # No other process can be in the middle of an attempt: what was begun has no end to wait for.
            await self._database.run(store.abandon_attempts)
        while True:
            try:
                while not self._database.is_paused and await self.send_due():
                    pass
            except Transient as error:
                log.warning("sender waits", error=str(error))
                await asyncio.sleep(VAULT_PAUSE_SECONDS)
            await self._notify.planned.wait(POLL_SECONDS)

    async def stop(self) -> None:
        """Once `run` has ended: let what is under way end, and give back what was begun and not made."""
        while self._under_way:
            await asyncio.wait(self._under_way)
        while self._begun:
            await self._postpone(self._begun.popleft(), seconds=0)

    async def send_due(self) -> int:
        """Send until nothing is due, a few at a time; says how many were tried. Raises Transient."""
        asking = asyncio.Lock()
        working = (self._work(asking) for _ in range(AT_ONCE))
        results = await asyncio.gather(*working, return_exceptions=True)
        if failed := [one for one in results if isinstance(one, BaseException)]:
            raise failed[0]
        return sum(one for one in results if isinstance(one, int))

    async def _work(self, asking: asyncio.Lock) -> int:
        """Send one after another; what became of the last is recorded while the next is sent."""
        tried, recording = 0, None
        while True:
            async with asking:
                if not self._begun:
                    self._begun.extend(await self._begin())
            if not self._begun:
                break
            next_ = await asyncio.shield(self._to_the_end(self._send(self._begun.popleft())))
            tried += 1
            if recording is not None:
                await asyncio.shield(recording)
            recording = next_
        if recording is not None:
            await asyncio.shield(recording)
        return tried

    async def _begin(self) -> Sequence[Message]:
        if self._database.is_paused:
            return ()
        async with self._database.reading() as connection:
            if not await store.is_due(connection, now=self._database.clock.now()):
                return ()
        return await self._database.run(lambda tx: usecases.begin(tx, limit=CLAIM))

    def _to_the_end(self, work: Coroutine[Any, Any, R]) -> "asyncio.Task[R]":
        """Do it also while whoever waits for it is cancelled: a provider may have taken the message already."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _send(self, message: Message) -> "asyncio.Task[None] | None":
        """Send a message; gives what then records its end, which others may share. None where there is none."""
        self._sending += 1
        try:
            with telemetry.tracing(None, number=message.number):
                faults.reach("notify.after_attempting")
                ended = await self._attempt(message)
                return self._to_the_end(self._record(ended)) if ended else None
        except Gone:
            await self._database.run(lambda tx: usecases.give_up(tx, message, reason="erased"))
        except Transient as error:
            log.info("message waits", message=message.id, error=str(error))
            await self._postpone(message, seconds=VAULT_PAUSE_SECONDS)
        finally:
            self._sending -= 1
        return None

    async def _attempt(self, message: Message) -> Ended | None:
        """What came of the attempt; None where no way leads to the person. Raises Gone, or Transient before it."""
        contact = await self._vault.contact(message)
        way = choose_way(contact, self._channels) if contact else None
        if contact is None or way is None:
            await self._database.run(lambda tx: usecases.give_up(tx, message, reason="no_contact"))
            return None
        name, address = way
        written = self._write(message, contact)
        started_at = self._database.clock.now()
        outgoing = Outgoing(
            message.id,
            message.number,
            address,
            written.subject,
            written.body,
            message.language,
            started_at,
        )
        sent = await self._try(self._channels[name], outgoing)
        self._metrics.messages.labels(name, sent.result).inc()
        faults.reach("notify.after_sent")
        jitter = random.random()  # noqa: S311 - spreads retries, guards nothing
        return Ended(message, name, sent, started_at, jitter)

    async def _record(self, ended: Ended) -> None:
        """Record an attempt that was made: as long as it is not, the message would leave again."""
        while True:
            try:
                # Again also where COMMIT got no answer: an attempt that has ended is left as it is.
                await self._finishing.submit(ended)
                break
            except Transient as error:
                log.warning("an attempt's end waits", message=ended.message.id, error=str(error))
                await asyncio.sleep(RECORD_PAUSE_SECONDS)

    async def _postpone(self, message: Message, *, seconds: float) -> None:
        await self._database.run(lambda tx: usecases.postpone(tx, message, seconds=seconds))

    async def _try(self, channel: Channel, outgoing: Outgoing) -> Sent:
        try:
            return await channel.send(outgoing)
        except Exception as error:  # noqa: BLE001 - one bad message must not stop the others
            log.error(
                "channel failed",
                channel=channel.name,
                error=type(error).__name__,
                message=outgoing.id,
            )
            return Sent("retry", code=type(error).__name__)

    def _write(self, message: Message, contact: Contact) -> Written:
        pack = self._notify.policy.pack(message.pack, message.pack_version)
        template = pack.template(message.letter)
        root = self._notify.policy.units.get(message.unit)
        org = (root.title_zh if message.language == "zh" else root.title_en) if root else ""
        link = f"{self._notify.settings.public_url}/followup/v1/public/cases/{message.number}"
        values = dict(message.variables) | {
            "name": contact.name or "", "org": org, "code": contact.code or "", "link": link,
        }  # fmt: skip
        known = {name: value for name, value in values.items() if name in template.variables}
        return write_letter(template, language=message.language, values=known)
