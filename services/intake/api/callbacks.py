"""Where WeChat and WeCom call us: signed and sealed by the platform, without a key of ours.

Whatever is taken in is answered by an empty 200 after its commit, as the platforms want it within 5 seconds; they call
again up to three times. Only who has told nothing yet is asked in the answer itself: there is no complaint that
could be answered. All else that they hear comes from notify, in the same conversation.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Final

from fastapi import APIRouter, Request, Response

from services.intake.api.bodies import ComplaintIn
from services.intake.api.door import Door, program
from services.intake.api.gate import Gate
from services.intake.channels.accounts import SETTING, Account
from services.intake.channels.port import LONGEST_TEXT
from services.intake.channels.wechat import (
    LARGEST,
    Refused,
    Unreadable,
    read_markup,
    read_turn,
    write_markup,
    write_reply,
)
from services.intake.channels.wechat.envelope import RANDOM_BYTES, must_be_fresh
from services.intake.model import Turn
from services.intake.policy.conversation import SILENCE, question, said
from services.intake.store.conversations import forget_silent, open_conversations
from services.intake.usecases.conversing import (
    By,
    Heard,
    Told,
    Whose,
    original_of,
    read_told,
    settle,
    take_turn,
)
from shared import telemetry
from shared.errors import Forbidden, Gone, NotFound, Transient
from shared.store.batch import Batcher
from shared.store.database import Database
from shared.store.transaction import Tx
from shared.web.body import read_capped
from shared.web.credentials import Principal

ROUNDS: Final = 3
POLL_SECONDS: Final = 30.0
LEFT_FOR: Final = timedelta(minutes=1)
"""After so long a conversation that has not become a complaint has been left by who was making it."""
TOGETHER: Final = 50
LONGEST_ECHO: Final = 512

log = telemetry.logger("callbacks")


@dataclass(frozen=True, slots=True)
class _Unit:
    """Something to be written about a conversation."""

    whose: Whose
    run: Callable[[Tx], Awaitable[Heard | None]]


async def _together(tx: Tx, units: Sequence[_Unit]) -> list[Heard | None]:
    """Write in one commit what came together, in one order of conversations everywhere: their rows are held."""
    order = sorted(range(len(units)), key=lambda at: units[at].whose.owner)
    done = {at: await units[at].run(tx) for at in order}
    return [done[at] for at in range(len(units))]


class Callbacks:
    """Takes in what platforms call us with."""

    def __init__(
        self, door: Door, gate: Gate, database: Database, accounts: Mapping[str, Account]
    ) -> None:
        self._door = door
        self._gate = gate
        self._database = database
        self._accounts = accounts
        self._clock = door.environment.clock
        self._batcher: Batcher[_Unit, Heard | None] = Batcher(database, _together)

    def add_to(self, router: APIRouter) -> None:
        """Add the routes to a router."""
        path = "/callbacks/{account}"
        router.add_api_route(path, self.check, methods=["GET"], response_class=Response)
        router.add_api_route(path, self.call, methods=["POST"], response_class=Response)

    async def check(self, request: Request, account: str) -> Response:
        """Prove to the platform that this address is ours: its `echostr`, opened where it is sealed."""
        found, query, now = self._account(account), request.query_params, self._clock.now()
        timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        echo = query.get("echostr", "")
        try:
            if found.channel == "wecom" or "msg_signature" in query:
                plain = found.envelope.open(
                    echo, signature=query.get("msg_signature", ""), timestamp=timestamp, nonce=nonce, now=now
                )  # fmt: skip
            else:
                found.envelope.must_be_signed(query.get("signature", ""), timestamp, nonce)
                must_be_fresh(timestamp, now)
                plain = _echo(echo)
        except Refused as error:
            raise _refused() from error
        return Response(plain, media_type="text/plain")

    async def call(self, request: Request, account: str) -> Response:
        """Take in what somebody said. An empty 200, or a question to who has told nothing yet."""
        found = self._account(account)
        await self._gate.must_be_open()
        turn = self._opened(found, await read_capped(request, LARGEST), request.query_params)
        principal = self._principal(found)
        whose = Whose(found.name, self._door.tokens.contact(found.channel, turn.sender))
        if not await self._hear(found, whose, turn, principal):
            return Response(media_type="text/plain")
        return self._asking(found, turn, request.query_params.get("nonce", ""))

    async def run(self) -> None:
        """Finish what a process that ended has left, and forget what is long over, for ever."""
        while True:
            try:
                await self.finish_left()
            except Transient as error:
                log.warning("conversations wait", error=str(error))
            await asyncio.sleep(POLL_SECONDS)

    async def finish_left(self) -> int:
        """Make complaints of what was told and left; says how many. Raises Transient."""
        now = self._clock.now()
        async with self._database.reading() as connection:
            rows = await open_conversations(connection, before=now - LEFT_FOR, limit=TOGETHER)
        done = 0
        for row in rows:
            account = self._accounts.get(row.account)
            if account is not None:
                await self._complain(account, read_told(row, self._door.vault))
                done += 1
        await self._database.run(partial(forget_silent, before=now - SILENCE))
        return done

    async def _hear(self, account: Account, whose: Whose, turn: Turn, principal: Principal) -> bool:
        """Take a turn in, and make the complaint that it completes; says whether to ask."""
        door, by = self._door, By(account.channel, principal.id, principal.units)
        for _ in range(ROUNDS):
            heard = await self._batcher.submit(
                _Unit(
                    whose,
                    lambda tx: take_turn(tx, whose, turn, by, vault=door.vault, tokens=door.tokens),
                )
            )
            if heard is None:
                continue
            if heard.told is not None:
                await self._complain(account, heard.told)
            if heard.do is not None:
                return heard.do == "ask"
        raise Transient("the same person's words come too fast")

    async def _complain(self, account: Account, told: Told) -> None:
        """Make the complaint of a conversation, once however often it is tried."""
        principal, last = self._principal(account), told.turns[-1]
        place = next((one.place for one in told.turns if one.place), None)
        contact = {"type": account.channel, "value": last.sender}
        text = said(told.turns)
        body = ComplaintIn.model_validate({
            "text": text[:LONGEST_TEXT],
            "truncated": len(text) > LONGEST_TEXT,
            "external_id": f"{account.name}/{last.id}",
            "complainant": {"contacts": [contact], "preferred_channel": account.channel},
            "location": {"address": place[:500]} if place else None,
        })  # fmt: skip
        try:
            receipt = await self._door.take(
                body, principal, original=original_of(told.turns), key=None, purpose="callbacks"
            )
            number: str | None = receipt.number
        except Gone:
            number = None  # their data was erased since: it is not kept again
        await self._batcher.submit(_Unit(told.whose, lambda tx: settle(tx, told, number)))

    def _opened(self, account: Account, raw: bytes, query: Mapping[str, str]) -> Turn:
        """What the platform sealed. Raises Forbidden, the same whatever is wrong."""
        try:
            sealed = read_markup(raw).get("Encrypt", "")
            plain = account.envelope.open(
                sealed, signature=query.get("msg_signature", ""), timestamp=query.get("timestamp", ""),
                nonce=query.get("nonce", ""), now=self._clock.now(),
            )  # fmt: skip
            return read_turn(plain)
        except (Refused, Unreadable) as error:
            raise _refused() from error

    def _asking(self, account: Account, turn: Turn, nonce: str) -> Response:
        now = self._clock.now()
        plain = write_reply(turn, question(turn.words), at=now)
        fields = account.envelope.seal(
            plain, timestamp=str(int(now.timestamp())), nonce=nonce, random=os.urandom(RANDOM_BYTES)
        )
        return Response(write_markup(fields), media_type="application/xml")

    def _account(self, name: str) -> Account:
        found = self._accounts.get(name)
        if found is None:
            raise NotFound(
                f"There is no account {name!r}: name it in the file of REDRESS_CALLBACKS.",
                zh=f"没有账号 {name!r}，请在 REDRESS_CALLBACKS 指向的文件中登记。",
            )
        return found

    def _principal(self, account: Account) -> Principal:
        return program(
            self._door.environment.policy, f"callback/{account.name}",
            unit=account.unit, channel=account.channel, setting=SETTING,
        )  # fmt: skip


def _echo(text: str) -> bytes:
    """What the platform wants to see again, if it can be shown to nobody's harm."""
    if not text.isalnum() or not text.isascii() or len(text) > LONGEST_ECHO:
        raise Refused
    return text.encode()


def _refused() -> Forbidden:
    return Forbidden(
        "This is no valid call of the platform for this account: check token, EncodingAESKey, receiver and clock.",
        zh="不是平台对该账号的有效回调：请核对 Token、EncodingAESKey、AppID/CorpID 和服务器时间。",
    )
