"""Automatic answers of the last day, each by a token of the address that it went to."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.notify.store.tables import ANSWERS, MESSAGES
from shared.store.lists import unless_there
from shared.store.transaction import Tx


async def answers_to(
    connection: AsyncConnection, token: str, *, since: datetime, beside: str
) -> int:
    """How many messages answered an address since then, beside this one."""
    query = select(func.count()).where(
        ANSWERS.c.token == token, ANSWERS.c.at >= since, ANSWERS.c.message != beside
    )
    return int((await connection.execute(query)).scalar_one())


async def note_answers(tx: Tx, answers: Iterable[tuple[str, str]]) -> None:
    """Note that messages (by id) answered addresses (by token): once for each, however often it is tried."""
    rows = [{"message": message, "token": token, "at": tx.now} for message, token in answers]
    await tx.add(ANSWERS, rows, unless_there)


async def forget_answers(tx: Tx, *, before: datetime) -> None:
    await tx.execute(delete(ANSWERS).where(ANSWERS.c.at < before))


async def forget_answers_to(tx: Tx, complainant: str) -> None:
    """Forget those of somebody who was erased."""
    theirs = select(MESSAGES.c.id).where(MESSAGES.c.complainant_id == complainant)
    await tx.execute(delete(ANSWERS).where(ANSWERS.c.message.in_(theirs)))
