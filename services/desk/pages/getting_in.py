"""Signing in and out, and where somebody's day begins."""

from starlette.responses import Response

from services.desk import store
from services.desk.pages.files import serve
from services.desk.pages.frame import Frame, Visit, home_path, local, redirect
from services.desk.usecases.sessions import Passwords, sign_in
from shared.errors import NotFound, TooMany, Unauthenticated

KEPT = "kept."
"""Fields of a form that waits behind the signing in."""


class GettingIn:
    """The door of the desk."""

    def __init__(self, frame: Frame, passwords: Passwords) -> None:
        self._frame = frame
        self._passwords = passwords
        frame.get("/", self.home)
        frame.get("/desk", self.home)
        frame.get("/desk/login", self.ask)
        frame.post("/desk/login", self.sign_in)
        frame.post("/desk/logout", self.sign_out)
        frame.get("/desk/files/{name}", self.file)
        frame.get("/desk/office", self.office, "office")

    async def home(self, visit: Visit) -> Response:
        """Staff to their work, everybody else to the portal."""
        return redirect(home_path(visit.account.role) if visit.account else "/portal")

    async def file(self, visit: Visit) -> Response:
        found = serve(visit.at("name"))
        if found is None:
            raise NotFound("There is no such file.", zh="没有该文件。")
        return found

    async def ask(self, visit: Visit) -> Response:
        to = local(visit.request.query_params.get("to", ""), "")
        if visit.account is not None:
            return redirect(to or home_path(visit.account.role))
        notice = "login.first" if to else None
        return self._page(visit, to=to, kept={}, login="", notice=notice, error=None)

    async def sign_in(self, visit: Visit) -> Response:
        """Sign in; a form that waited is shown again with what was typed."""
        login, to = visit.form.get("login", ""), local(visit.form.get("to", ""), "")
        kept = {
            name.removeprefix(KEPT): text
            for name, text in visit.form.items()
            if name.startswith(KEPT)
        }
        try:
            account = await sign_in(
                self._frame.database, self._frame.environment.policy, self._passwords,
                login=login, password=visit.form.get("password", ""),
            )  # fmt: skip
        except (Unauthenticated, TooMany) as error:
            status = 429 if isinstance(error, TooMany) else 401
            detail = error.zh if visit.language == "zh" else error.detail
            return self._page(
                visit, status, to=to, kept=kept, login=login, notice=None, error=detail
            )
        held = await self._frame.begin_session(visit, account)
        if kept:
            response = await self._frame.show_again(visit, to, kept)
        else:
            response = redirect(to or home_path(account.role))
        self._frame.keep_session(response, held)
        return response

    async def sign_out(self, visit: Visit) -> Response:
        response = redirect("/desk/login")
        if visit.session is not None and self._frame.has_token(visit):
            ended = visit.session.id
            await self._frame.database.run(lambda tx: store.end_session(tx, ended))
            self._frame.drop_session(response)
        return response

    async def office(self, visit: Visit) -> Response:
        """What an administrator may see of who may do what; it is changed over the API."""
        policy = self._frame.environment.policy
        reach = policy.subtree(visit.staff.unit)
        accounts = sorted(
            (one for one in policy.accounts.values() if one.unit in reach),
            key=lambda one: (one.unit, one.role, one.login),
        )
        in_force = {unit: "@".join(policy.in_force(unit, visit.now)) for unit in sorted(reach)}
        return self._frame.render(
            visit, "office.html", accounts=accounts, in_force=in_force, units=policy.units
        )

    def _page(self, visit: Visit, status: int = 200, /, **values: object) -> Response:
        return self._frame.render(visit, "login.html", status, **values)
