"""What every page has: who looks, in which language, a session and its token, headers, and what goes wrong in words."""

import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from jinja2 import Environment as Templates
from jinja2 import FileSystemLoader, StrictUndefined
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.desk import store
from services.desk.model import Session
from services.desk.pages.files import files
from services.desk.pages.peers import Away, Caller, Peers, Refused
from services.desk.pages.words import LANGUAGES, Language, Words
from services.desk.policy.getting_in import SEEN_EVERY, Page, home_of, is_good, may_open, pages_of
from services.desk.usecases.sessions import open_session, session_id
from shared import telemetry
from shared.contracts.desk import PolicyAccount, Role
from shared.errors import Forbidden, NotFound, Rejected, TooLarge, Transient
from shared.service import Environment
from shared.store.database import Database
from shared.web.problems import wants_chinese

FORM_CAP: Final = 40 * 1024 * 1024
"""A form with its files."""
CSRF: Final = "_csrf"
LANGUAGE_COOKIE: Final = "redress-language"
CONTENT_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": CONTENT_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
OK: Final = HTTPStatus.OK

log = telemetry.logger("pages")


@dataclass
class Visit:
    """One request for a page."""

    request: Request
    words: Words
    now: datetime
    account: PolicyAccount | None = None
    session: Session | None = None
    params: dict[str, str] = field(default_factory=dict)
    """The parts of the path."""
    form: dict[str, str] = field(default_factory=dict)
    uploads: list[UploadFile] = field(default_factory=list)
    again: bool = False
    """The form came with a session that was over: show it again with what was typed, and do nothing."""
    caller: Caller | None = None

    @property
    def language(self) -> Language:
        return self.words.language

    @property
    def staff(self) -> PolicyAccount:
        """Who looks, where only staff come."""
        assert self.account is not None  # noqa: S101 - the frame lets nobody else here
        return self.account

    @property
    def api(self) -> Caller:
        """The services, asked as who looks."""
        assert self.caller is not None  # noqa: S101 - the frame lets nobody else here
        return self.caller

    def at(self, name: str) -> str:
        """A part of the path."""
        return self.params[name]

    @property
    def path(self) -> str:
        return self.request.url.path

    def told(self, error: Refused | Away) -> str:
        """Why something was not done, in the reader's words."""
        if isinstance(error, Away):
            return self.words("away.form", service=error.service)
        return error.detail

    @property
    def wants_part(self) -> bool:
        """Whether the script asks for a part of a page, to put it in its place."""
        return self.request.headers.get("x-part") == "1"


Handler = Callable[[Visit], Awaitable[Response]]


class Frame:
    """Adds pages to a router, and renders them."""

    def __init__(
        self,
        environment: Environment,
        database: Database,
        peers: Peers,
        *,
        single_sign_on: str | None = None,
    ) -> None:
        self.environment = environment
        self.database = database
        self.peers = peers
        self.router = APIRouter(include_in_schema=False)
        self.zone = ZoneInfo(environment.settings.timezone)
        self.is_secure = environment.settings.public_url.startswith("https:")
        self.cookie = "__Host-redress" if self.is_secure else "redress"
        self._again: list[tuple[re.Pattern[str], Handler]] = []
        self._templates = Templates(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals["single_sign_on"] = single_sign_on
        self._templates.globals["file"] = lambda name: files()[name].path

    def get(self, path: str, handler: Handler, page: Page | None = None) -> None:
        """A page to look at; without `page` it is for everybody."""
        self._add(path, handler, page, "GET")

    def post(
        self, path: str, handler: Handler, page: Page | None = None, *, again: Handler | None = None
    ) -> None:
        """A form. `again` shows it with what was typed, after a session that was over."""
        self._add(path, handler, page, "POST")
        if again is not None:
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
            self._again.append((re.compile(rf"\A{pattern}\Z"), again))

    def _add(self, path: str, handler: Handler, page: Page | None, method: str) -> None:
        async def endpoint(request: Request) -> Response:
            return await self._answer(request, handler, page)

        name = f"{method} {path}"
        self.router.add_api_route(path, endpoint, methods=[method], name=name)

    async def _answer(self, request: Request, handler: Handler, page: Page | None) -> Response:
        words = Words(_language(request), self.zone)
        visit = Visit(
            request, words, self.environment.clock.now(), params=dict(request.path_params)
        )
        try:
            await self._recognise(visit)
            if request.method == "POST":
                await self._read_form(visit)
            response = await self._kept_out(visit, page) or await handler(visit)
        except Refused as error:
            response = self.failed(visit, error.status, error.detail)
        except Away as error:
            response = self.failed(visit, 503, visit.words("away.whole", service=error.service))
        except Rejected as error:
            detail = error.zh if visit.language == "zh" and error.zh else error.detail
            response = self.failed(visit, _STATUS.get(type(error), 422), detail)
        except Transient as error:
            log.warning("a page waits", path=visit.path, error=str(error))
            response = self.failed(visit, 503, visit.words("error.503"))
        return self._finished(visit, response)

    async def _recognise(self, visit: Visit) -> None:
        held = visit.request.cookies.get(self.cookie)
        if not held:
            return
        session = await self.session_of(session_id(held))
        if session is None or not is_good(session, visit.now):
            return
        account = self.environment.policy.accounts.get(session.account)
        if account is None or not account.active:
            return
        self.let_in(visit, account, session)
        if visit.now - session.seen_at >= SEEN_EVERY:
            await self.database.run(lambda tx: store.see_session(tx, session.id))

    async def session_of(self, id_: str) -> Session | None:
        """A session by its id, whether or not it is still good."""
        async with self.database.reading() as connection:
            return await store.session(connection, id_)

    async def begin_session(self, visit: Visit, account: PolicyAccount) -> str:
        """Begin a session; gives what the browser is to hold (`keep_session`)."""
        held, csrf = random_token(), random_token()
        await self.database.run(lambda tx: open_session(tx, account.id, held=held, csrf=csrf))
        session = Session(session_id(held), account.id, csrf, visit.now, visit.now)
        self.let_in(visit, account, session)
        return held

    def let_in(self, visit: Visit, account: PolicyAccount, session: Session) -> None:
        """From here on the visit is this member of staff's."""
        visit.account, visit.session = account, session
        visit.caller = self.peers.staff(account, visit.language)

    async def _read_form(self, visit: Visit) -> None:
        request = visit.request
        if not _is_same_origin(request):
            raise Forbidden("The form came from another site.", zh="表单来自其他网站。")
        declared = request.headers.get("content-length", "")
        if not declared.isdigit() or int(declared) > FORM_CAP:
            raise TooLarge(
                f"The form and its files are over {FORM_CAP // 2**20} MB.",
                zh=f"表单及附件超过 {FORM_CAP // 2**20} MB。",
            )
        try:
            sent = await request.form(max_files=5, max_fields=400, max_part_size=256 * 1024)
        except MultiPartException as error:
            raise TooLarge(
                "The form cannot be read, or a field is over 256 kB.",
                zh="表单无法读取，或有字段超过 256 kB。",
            ) from error
        for name, value in sent.multi_items():
            if isinstance(value, str):
                visit.form[name] = value
            elif value.filename:
                visit.uploads.append(value)

    async def _kept_out(self, visit: Visit, page: Page | None) -> Response | None:
        if page is None:
            return None
        if visit.account is None:
            return self._ask_to_sign_in(visit)
        if not may_open(visit.account.role, page):
            return self.failed(visit, 403, visit.words("error.role"))
        if visit.request.method == "POST" and not self.has_token(visit):
            # The form is of another session: it is shown again under this one's token, and nothing is done.
            return await self.show_again(visit, visit.path, visit.form)
        return None

    async def show_again(self, visit: Visit, path: str, form: Mapping[str, str]) -> Response:
        """Show the form of a path with what was typed into it."""
        for pattern, handler in self._again:
            if found := pattern.match(path):
                visit.params, visit.form, visit.again = found.groupdict(), dict(form), True
                return await handler(visit)
        return redirect(home_path(visit.staff.role))

    def has_token(self, visit: Visit) -> bool:
        """Whether a form carries its session's token."""
        wanted = visit.session.csrf if visit.session else ""
        return bool(wanted) and hmac.compare_digest(
            wanted.encode(), visit.form.get(CSRF, "").encode()
        )

    def _ask_to_sign_in(self, visit: Visit) -> Response:
        if visit.request.method == "GET":
            if visit.wants_part:
                return Response(status_code=401)
            here = visit.request.url
            to = here.path + (f"?{here.query}" if here.query else "")
            return redirect(f"/desk/login?{urlencode({'to': to})}")
        kept = {name: text for name, text in visit.form.items() if name != CSRF}
        return self.render(
            visit,
            "login.html",
            401,
            to=visit.path,
            kept=kept,
            login="",
            notice="login.expired",
            error=None,
        )

    def render(
        self, visit: Visit, template: str, status: int = OK, /, **values: object
    ) -> Response:
        """A page."""
        role = visit.account.role if visit.account else None
        units = self.environment.policy.units
        asked = visit.form.get("unit") or visit.request.query_params.get("unit", "")
        query = {k: v for k, v in visit.request.query_params.items() if k != "lang"}
        other = next(one for one in LANGUAGES if one != visit.language)
        text = self._templates.get_template(template).render(
            t=visit.words,
            visit=visit,
            now=visit.now,
            csrf=visit.session.csrf if visit.session else "",
            menu=pages_of(role) if role else (),
            unit=units.get(asked),
            head_unit=units.get(self.environment.policy.root) if units else None,
            home=home_path(role) if role else "/portal",
            other_language=other,
            language_link="?" + urlencode(query | {"lang": other}),
            **values,
        )
        return Response(text, status, media_type="text/html; charset=utf-8")

    def failed(self, visit: Visit, status: int, detail: str) -> Response:
        """A page that says what went wrong and what to do."""
        known = status if status in (403, 404, 409, 413, 422, 429, 503) else 422
        return self.render(
            visit, "failed.html", status, title=visit.words(f"error.{known}.title"), detail=detail
        )

    def _finished(self, visit: Visit, response: Response) -> Response:
        for name, value in HEADERS.items():
            if name.lower() not in response.headers:
                response.headers[name] = value
        if self.is_secure:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        if visit.request.query_params.get("lang") in LANGUAGES:
            response.set_cookie(
                LANGUAGE_COOKIE, visit.language, max_age=31_536_000, httponly=True,
                samesite="lax", secure=self.is_secure,
            )  # fmt: skip
        return response

    def keep_session(self, response: Response, held: str) -> None:
        """Give the browser its session, until it is closed."""
        response.set_cookie(
            self.cookie, held, httponly=True, samesite="lax", secure=self.is_secure, path="/"
        )

    def drop_session(self, response: Response) -> None:
        response.delete_cookie(
            self.cookie, httponly=True, samesite="lax", secure=self.is_secure, path="/"
        )


def redirect(to: str) -> Response:
    """Look there now."""
    return RedirectResponse(to, HTTPStatus.SEE_OTHER)


def local(to: str, otherwise: str) -> str:
    """A path of this site, or `otherwise`: nobody is led elsewhere by a link."""
    parts = urlsplit(to)
    is_ours = to.startswith("/") and not to.startswith(("//", "/\\")) and not parts.netloc
    return to if is_ours and to.isprintable() else otherwise


def home_path(role: Role) -> str:
    """Where somebody's day begins."""
    return f"/desk/{home_of(role)}"


def random_token() -> str:
    return secrets.token_urlsafe(32)


def case_path(number: str) -> str:
    return f"/desk/cases/{quote(number, safe='')}"


_STATUS: Final[Mapping[type[Rejected], int]] = {Forbidden: 403, NotFound: 404, TooLarge: 413}


def _language(request: Request) -> Language:
    """The reader's language: as chosen now, as chosen before, as the browser says."""
    for said in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        for one in LANGUAGES:
            if said == one:
                return one
    header = request.headers.get("accept-language", "")
    return "zh" if not header or wants_chinese(header) else "en"


def _is_same_origin(request: Request) -> bool:
    """Whether a form was sent from a page of this site, as the browser tells."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host", "")
