"""Signing in and out."""

import asyncio
import hashlib
import math
import secrets
from functools import cached_property
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from services.desk import store
from services.desk.model import Session
from services.desk.policy.getting_in import ABSOLUTE, FORGET, wait_after
from shared.contracts.desk import PolicyAccount
from shared.errors import TooMany, Unauthenticated
from shared.policy import Policy
from shared.store.database import Database
from shared.store.transaction import Tx

AT_ONCE: Final = 2
"""Passwords that are checked at the same time: each takes a core and 64 MiB."""


class Passwords:
    """Hashes and checks passwords (argon2id), a few at a time."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._turns = asyncio.Semaphore(AT_ONCE)

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        async with self._turns:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def is_right(self, hashed: str | None, password: str) -> bool:
        """Whether it is the password. An unknown login (None) takes as long as a wrong password."""
        async with self._turns:
            return await asyncio.to_thread(self._check, hashed, password)

    def _check(self, hashed: str | None, password: str) -> bool:
        try:
            self._hasher.verify(hashed or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return hashed is not None


async def sign_in(
    database: Database, policy: Policy, passwords: Passwords, *, login: str, password: str
) -> PolicyAccount:
    """The account of a login and its password. Raises Unauthenticated, or TooMany after wrong ones in a row.

    A try is counted before it is judged, so that guesses sent together do not escape the count.
    """
    key = _digest(login.strip().casefold())
    await database.run(lambda tx: _take_try(tx, key))
    async with database.reading() as connection:
        row = await store.account_by_login(connection, login.strip())
    right = await passwords.is_right(row.password_hash if row else None, password)
    account = policy.accounts.get(row.id) if row and right else None
    if account is None or not account.active:
        raise Unauthenticated("The login or the password is wrong.", zh="登录名或密码不正确。")
    await database.run(lambda tx: store.forget_tries(tx, key, before=tx.now - FORGET))
    return account


async def _take_try(tx: Tx, key: str) -> None:
    failures, last_at = await store.tries(tx, key)
    left = (last_at + wait_after(failures) - tx.now).total_seconds()
    if left > 0:
        raise TooMany(
            f"Too many wrong passwords: wait {math.ceil(left)} s, then try again.",
            zh=f"密码多次错误，请等待 {math.ceil(left)} 秒后再试。",
            retry_after=math.ceil(left),
        )
    await store.count_try(tx, key, failures + 1)


async def open_session(tx: Tx, account: str, *, held: str, csrf: str) -> None:
    """Begin a session; `held` is what the browser will show. Those long over are dropped."""
    await store.forget_sessions(tx, before=tx.now - ABSOLUTE)
    await store.add_session(tx, Session(session_id(held), account, csrf, tx.now, tx.now))


def session_id(held: str) -> str:
    """Under which id a session is kept that a browser holds."""
    return _digest(held)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
