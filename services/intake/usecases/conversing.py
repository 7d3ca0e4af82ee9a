"""Turns of conversations in messengers: each taken once, in the order in which they come."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from services.intake.model import NewMessage, Turn
from services.intake.policy.conversation import Conversation, Do, Step, said, step
from services.intake.policy.original import Original, pack
from services.intake.policy.seal import KEY_BYTES, NONCE_BYTES, Box, Vault
from services.intake.policy.tokens import Tokens
from services.intake.store import Found
from services.intake.store import conversations as store
from services.intake.usecases.messages import add_message
from shared.errors import Gone, NotFound
from shared.ids import new_id
from shared.store.transaction import Tx
from shared.web.idempotency import claim

XML = "application/xml"


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose conversation it is: the account they wrote to, the blind index of who they are there."""

    account: str
    sender: str

    @property
    def owner(self) -> str:
        """What its state is sealed for."""
        return f"conversation/{self.account}/{self.sender}"


@dataclass(frozen=True, slots=True)
class Told:
    """Words that are to become a complaint, and the sealed state that they stand in."""

    whose: Whose
    turns: tuple[Turn, ...]
    state: bytes


@dataclass(frozen=True, slots=True)
class Heard:
    """What a turn did. `told`: a complaint to be made now. Without `do`, that goes first and the turn comes again."""

    do: Do | None
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class By:
    """Who takes a turn in: by which channel, as whom, and where that reaches."""

    channel: str
    id: str
    units: frozenset[str]


async def take_turn(
    tx: Tx, whose: Whose, turn: Turn, by: By, *, vault: Vault, tokens: Tokens
) -> Heard:
    """Take a turn in, once. Nothing is done for a repeat, and it tells the same."""
    row = await store.conversation(tx, whose.account, whose.sender)
    told = read_told(row, vault) if row.is_open else None
    made = await _done_before(tx, whose, turn, tokens)
    if made is not None:
        return Heard(made, told)
    if told is not None:
        return Heard(None, told)
    taken = step(_read(row, whose, vault), turn, now=tx.now)
    if taken.do == "add" and not await _add(
        tx, str(taken.now.number), whose, turn, by, vault, tokens
    ):
        # What it was about is erased or gone: what they say now begins anew.
        taken = step(None, turn, now=tx.now)
    await claim(
        tx,
        scope=_scope(whose),
        key=tokens.external(turn.id),
        fingerprint="",
        reference=taken.do,
        now=tx.now,
    )
    return Heard(taken.do, await _keep(tx, whose, taken, vault))


async def settle(tx: Tx, told: Told, number: str | None) -> None:
    """Note which complaint a conversation became; None where its person was erased meanwhile."""
    whose = told.whose
    await store.settle_conversation(
        tx, whose.account, whose.sender, state=told.state, number=number
    )


def read_told(row: Found, vault: Vault) -> Told:
    """What is to become a complaint. Raises SealBroken."""
    whose = Whose(row.account, row.sender)
    return Told(whose, _turns(row, whose, vault), row.state)


def original_of(turns: Sequence[Turn]) -> bytes:
    """The words as received, with all that the platform sent behind them."""
    payload = b"\n".join(one.original for one in turns)
    return pack(Original(said(tuple(turns)), None, XML, payload))


async def _done_before(tx: Tx, whose: Whose, turn: Turn, tokens: Tokens) -> Do | None:
    table = tx.frame.idempotency
    row = await tx.row(
        table.select().where(
            table.c.scope == _scope(whose), table.c.key == tokens.external(turn.id)
        )
    )
    return None if row is None else row.reference


def _scope(whose: Whose) -> str:
    return f"callbacks/{whose.account}"


def _read(row: Found, whose: Whose, vault: Vault) -> Conversation:
    turns = _turns(row, whose, vault) if row.state is not None else ()
    return Conversation(row.turned_at, turns, row.number)


async def _keep(tx: Tx, whose: Whose, taken: Step, vault: Vault) -> Told | None:
    turns = taken.turns if taken.do == "complain" else taken.now.kept
    key, state = None, None
    if turns:
        data_key = os.urandom(KEY_BYTES)
        key = vault.wrap(data_key, owner=whose.owner, nonce=os.urandom(NONCE_BYTES))
        box = Box(data_key, owner=whose.owner)
        state = box.seal("state", _dump(turns), nonce=os.urandom(NONCE_BYTES))
    is_open = taken.do == "complain"
    await store.keep_conversation(
        tx,
        {
            "account": whose.account,
            "sender": whose.sender,
            "turned_at": taken.now.at,
            "number": taken.now.number,
            "is_open": is_open,
            "data_key": key,
            "state": state,
        },
    )
    return Told(whose, turns, state) if is_open and state is not None else None


async def _add(
    tx: Tx, number: str, whose: Whose, turn: Turn, by: By, vault: Vault, tokens: Tokens
) -> bool:
    """Add a turn to the complaint that the conversation became; False where there is none any more."""
    new = NewMessage(
        id=new_id(),
        number=number,
        by="complainant",
        added_by=by.id,
        units=by.units,
        channel=by.channel,
        text=said((turn,)),
        original=original_of((turn,)),
        language=None,
        attachments=(),
        nonce=os.urandom(NONCE_BYTES),
        attachment_nonces=(),
        idempotency_key=None,
        external_id=tokens.external(f"{whose.account}/{turn.id}"),
        fingerprint="",
    )
    try:
        await add_message(tx, new, vault=vault)
    except (Gone, NotFound):
        return False
    return True


def _dump(turns: Sequence[Turn]) -> bytes:
    return orjson.dumps([
        {
            "id": one.id, "sender": one.sender, "at": one.at, "original": one.original.decode("utf-8", "replace"),
            "words": one.words, "place": one.place, "brings": one.brings,
        }
        for one in turns
    ])  # fmt: skip


def _turns(row: Found, whose: Whose, vault: Vault) -> tuple[Turn, ...]:
    plain = vault.box(row.data_key, owner=whose.owner).open("state", row.state)
    return tuple(_turn(one) for one in orjson.loads(plain))


def _turn(said_: dict[str, Any]) -> Turn:
    at, original = datetime.fromisoformat(said_["at"]), said_["original"].encode()
    return Turn(**said_ | {"at": at, "original": original})
