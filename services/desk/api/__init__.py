"""The desk over HTTP: HTTP in, one use case, HTTP out."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, BaseModel, Field
from sqlalchemy import Select

from services.desk import store, usecases
from services.desk.api.packs import pack_routes
from services.desk.model import ROOT, NewAccount, NewKey, NewUnit
from services.desk.usecases.sessions import Passwords, sign_in
from shared.contracts.desk import Role
from shared.contracts.values import CHANNELS
from shared.errors import FieldError, Forbidden, Invalid
from shared.ids import new_id
from shared.service import Environment
from shared.store.database import Database
from shared.store.transaction import AnyRow
from shared.web.body import CleanText, FilledText, body_of, describe_body
from shared.web.credentials import SCOPES, TOKEN_LIFE, Principal, format_key, new_key
from shared.web.paging import Limit, Page, cursor, read_cursor

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class UnitIn(BaseModel):
    id: Id
    parent: str = ROOT
    title_zh: Annotated[FilledText, Field(max_length=200)]
    title_en: Annotated[CleanText, Field(max_length=200)] = ""
    default_team: Id = "service"


class UnitOut(BaseModel):
    id: str
    parent: str | None
    title_zh: str
    title_en: str
    default_team: str


class KeyIn(BaseModel):
    label: Annotated[FilledText, Field(max_length=100)]
    scopes: Annotated[list[str], Field(min_length=1)]
    unit: str = ROOT
    channel: str | None = None
    expires_at: AwareDatetime | None = None


class KeyOut(BaseModel):
    """A key without its secret."""

    id: str
    label: str
    scopes: list[str]
    unit: str
    channel: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class KeyMade(KeyOut):
    """A new key; `key` is shown this once."""

    key: str


class AccountIn(BaseModel):
    login: Annotated[FilledText, Field(max_length=100)]
    display: Annotated[FilledText, Field(max_length=100)]
    role: Role
    unit: str = ROOT
    languages: Annotated[list[Literal["zh", "en"]], Field(min_length=1)] = ["zh", "en"]
    password: Annotated[CleanText, Field(min_length=12, max_length=200)]


class AccountOut(BaseModel):
    id: str
    login: str
    display: str
    role: str
    unit: str
    languages: list[str]
    active: bool = True


class SignIn(BaseModel):
    login: str
    password: str


class Token(BaseModel):
    token: str
    expires_in: int


After = Annotated[str | None, Query(max_length=500)]


def routes(environment: Environment, database: Database, passwords: Passwords) -> APIRouter:
    """The desk's routes."""
    router = APIRouter(prefix="/desk/v1")
    router.include_router(pack_routes(environment, database))
    may = Annotated[Principal, Depends(environment.guard.scope("administer"))]

    async def page(
        principal: Principal,
        query: Callable[..., Select[*tuple[Any, ...]]],
        after: str | None,
        limit: int,
    ) -> tuple[list[AnyRow], str | None]:
        at = read_cursor(after, str)[0] if after else None
        async with database.reading() as connection:
            rows = list(
                await store.fetch(connection, query(principal.units, after=at, limit=limit + 1))
            )
        more = len(rows) > limit
        return rows[:limit], cursor(rows[limit - 1].id) if more else None

    @router.get("/units")
    async def list_units(principal: may, after: After = None, limit: Limit = 50) -> Page[UnitOut]:
        rows, next_ = await page(principal, store.units_query, after, limit)
        return Page(items=[UnitOut.model_validate(row._mapping) for row in rows], next=next_)

    @router.post("/units", status_code=201, openapi_extra=describe_body(UnitIn))
    async def add_unit(
        principal: may, body: Annotated[UnitIn, Depends(body_of(UnitIn))]
    ) -> UnitOut:
        principal.must_reach(body.parent, "the parent unit")
        new = NewUnit(
            body.id, body.parent, body.title_zh, body.title_en or body.title_zh, body.default_team
        )
        said = await database.run(lambda tx: usecases.add_unit(tx, new))
        return UnitOut.model_validate(said.model_dump())

    @router.get("/keys")
    async def list_keys(principal: may, after: After = None, limit: Limit = 50) -> Page[KeyOut]:
        rows, next_ = await page(principal, store.keys_query, after, limit)
        return Page(items=[KeyOut.model_validate(row._mapping) for row in rows], next=next_)

    @router.post("/keys", status_code=201, openapi_extra=describe_body(KeyIn))
    async def add_key(principal: may, body: Annotated[KeyIn, Depends(body_of(KeyIn))]) -> KeyMade:
        _check_key(body, principal)
        id_, secret = new_key()
        new = NewKey(
            id_, secret, body.label, tuple(body.scopes), body.unit, body.channel, body.expires_at
        )
        said = await database.run(lambda tx: usecases.add_key(tx, new, by=principal.id))
        return KeyMade(**said.model_dump(exclude={"secret_sha256"}), key=format_key(id_, secret))

    @router.post("/keys/{key}/revoke")
    async def revoke_key(principal: may, key: str) -> KeyOut:
        said = await database.run(lambda tx: usecases.revoke_key(tx, key, units=principal.units))
        return KeyOut.model_validate(said.model_dump())

    @router.get("/accounts")
    async def list_accounts(
        principal: may, after: After = None, limit: Limit = 50
    ) -> Page[AccountOut]:
        rows, next_ = await page(principal, store.accounts_query, after, limit)
        return Page(items=[AccountOut.model_validate(row._mapping) for row in rows], next=next_)

    @router.post("/accounts", status_code=201, openapi_extra=describe_body(AccountIn))
    async def add_account(
        principal: may, body: Annotated[AccountIn, Depends(body_of(AccountIn))]
    ) -> AccountOut:
        principal.must_reach(body.unit, "the unit")
        hashed = await passwords.hash(body.password)
        new = NewAccount(
            new_id(), body.login, body.display, body.role, body.unit, tuple(body.languages), hashed
        )
        said = await database.run(lambda tx: usecases.add_account(tx, new))
        return AccountOut.model_validate(said.model_dump())

    @router.post("/tokens", status_code=201, openapi_extra=describe_body(SignIn))
    async def make_token(
        body: Annotated[SignIn, Depends(body_of(SignIn))], response: Response
    ) -> Token:
        account = await sign_in(
            database, environment.policy, passwords, login=body.login, password=body.password
        )
        response.headers["Cache-Control"] = "no-store"
        return Token(
            token=environment.guard.staff_token(account), expires_in=int(TOKEN_LIFE.total_seconds())
        )

    return router


def _check_key(body: KeyIn, principal: Principal) -> None:
    principal.must_reach(body.unit, "the unit")
    errors = [
        FieldError(f"scopes.{at}", "unknown", f"is none of {', '.join(SCOPES)}", "未知权限")
        for at, scope in enumerate(body.scopes)
        if scope not in SCOPES
    ]
    if body.channel is not None and body.channel not in CHANNELS:
        errors.append(
            FieldError("channel", "unknown", f"is none of {', '.join(CHANNELS)}", "未知渠道")
        )
    if errors:
        raise Invalid(
            "Some fields are wrong: see errors.", zh="部分字段不正确,见 errors。", errors=errors
        )
    beyond = set(body.scopes) - principal.scopes
    if beyond and principal.role != "administrator":
        raise Forbidden(
            f"You cannot give what you do not have: {', '.join(sorted(beyond))}.",
            zh="不能授予自己没有的权限。",
        )
