"""Who signs in at the company's identity provider has an account here, made and kept by what the provider says."""

import hashlib
import secrets

from services.desk import store
from services.desk.model import Flow, NewAccount
from services.desk.policy.identity import OLDEST, Granted, is_in_time
from services.desk.usecases import add_account
from shared.contracts.desk import PolicyAccount
from shared.errors import Forbidden
from shared.ids import new_id
from shared.store.transaction import Tx

NO_PASSWORD = ""
"""No hash: no password opens it."""


async def begin_flow(tx: Tx, flow: Flow) -> None:
    """Remember who was sent to the provider; who never came back is forgotten."""
    await store.forget_flows(tx, before=tx.now - OLDEST)
    await store.add_flow(tx, flow)


async def end_flow(tx: Tx, id_: str) -> Flow | None:
    """Who comes back, once: the same answer a second time finds nothing."""
    found = await store.take_flow(tx, id_)
    return found if found is not None and is_in_time(found, tx.now) else None


async def account_of(tx: Tx, who: Granted) -> PolicyAccount:
    """The account of who was let in, made or brought up to date. Raises Forbidden where its unit is none of ours."""
    if await store.unit(tx, who.unit) is None:
        raise Forbidden(
            f"The rules of sign-on name the unit {who.unit!r}, which there is not.",
            zh=f"单点登录规则中的单位 {who.unit} 不存在。",
        )
    key = identity_key(who.issuer, who.subject)
    await tx.lock(f"identity/{key}")
    id_ = await store.account_of_identity(tx, key)
    if id_ is None:
        return await _new_account(tx, who, key)
    row = await store.account(tx, id_)
    said = PolicyAccount(
        id=id_, login=row.login, display=who.display, role=who.role, unit=who.unit, languages=row.languages
    )  # fmt: skip
    if (row.display, row.role, row.unit, row.active) != (who.display, who.role, who.unit, True):
        await store.change_account(tx, said)
        tx.say(said, subject=f"account/{id_}", unit=said.unit)
    return said


async def close_account_of(tx: Tx, issuer: str, subject: str) -> None:
    """Close the account of somebody whom no rule lets in any more, and their sessions."""
    key = identity_key(issuer, subject)
    await tx.lock(f"identity/{key}")
    id_ = await store.account_of_identity(tx, key)
    row = await store.account(tx, id_) if id_ else None
    if id_ is None or row is None or not row.active:
        return
    said = PolicyAccount(
        id=id_, login=row.login, display=row.display, role=row.role, unit=row.unit, languages=row.languages,
        active=False,
    )  # fmt: skip
    await store.change_account(tx, said)
    await store.end_sessions_of(tx, id_)
    tx.say(said, subject=f"account/{id_}", unit=said.unit)


def identity_key(issuer: str, subject: str) -> str:
    """Under which key the provider's name for somebody is kept: it may be long."""
    return hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()


async def _new_account(tx: Tx, who: Granted, key: str) -> PolicyAccount:
    login = who.login
    if await store.has_login(tx, login):
        login = f"{login[:90]}-{secrets.token_hex(4)}"
    new = NewAccount(new_id(), login, who.display, who.role, who.unit, ("zh", "en"), NO_PASSWORD)
    said = await add_account(tx, new)
    await store.add_identity(tx, key, said.id)
    return said
