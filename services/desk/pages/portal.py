"""The portal: complain, and follow a complaint by number and code. It works without the script, and on a phone."""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from services.desk.pages.frame import Frame, Visit
from services.desk.pages.peers import Away, Caller, Refused, part
from services.desk.policy.asking import missing_facts
from services.desk.policy.budget import Budget
from shared.ids import new_id
from shared.packs.parts import Fact

OURS: Final = frozenset({"intake:write", "routing:read"})
MOST_FILES: Final = 5
MOST_READ: Final = 4_000
MOST_ASKED: Final = 4
FIELDS: Final = ("text", "contact", "name", "remedy_sought", "reference", "place")
_PHONE: Final = re.compile(r"\+?[\d\s()-]{7,20}")
ASKED_PER_SECOND: Final = 20.0
"""How often texts are understood while people write; over it they are asked after they have sent it."""
_WHERE: Final = {
    "complainant.contacts.0.value": "contact",
    "complainant.name": "name",
    "location.address": "place",
}


class Portal:
    """Pages for those who complain. They have no session: number and code stand in each form."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._budget = Budget(per_second=ASKED_PER_SECOND, burst=2 * ASKED_PER_SECOND)
        frame.get("/portal", self.doors)
        frame.get("/portal/privacy", self.privacy)
        frame.get("/portal/lost", self.lost)
        frame.post("/portal/lost", self.send_code)
        frame.post("/portal/asked", self.asked)
        frame.get("/portal/complain", self.form)
        frame.post("/portal/complain", self.complain)
        frame.get("/portal/follow", self.ask)
        frame.post("/portal/follow", self.follow)
        frame.post("/portal/do/{command}", self.do)

    async def doors(self, visit: Visit) -> Response:
        """Every way to complain, when somebody is there, and what is promised (R-010)."""
        channels = await part(self._caller(visit).get("/intake/v1/channels"))
        return self._frame.render(visit, "portal.html", channels=channels)

    async def form(self, visit: Visit) -> Response:
        return self._form(visit, {})

    async def complain(self, visit: Visit) -> Response:
        """Take a complaint; two fields are enough, and one will do."""
        caller, form = self._caller(visit), visit.form
        if not form.get("text", "").strip():
            return self._form(visit, {"text": visit.words("portal.say_something")})
        try:
            files = await self._upload(visit, caller)
            body = complaint_of(form, "web", visit.language) | {"attachments": files}
            if unit := self._unit(visit):
                body["unit"] = unit
            answer = await caller.post(
                "/intake/v1/complaints", body, **{"Idempotency-Key": form.get("key") or new_id()}
            )
        except Refused as error:
            return self._form(visit, errors_by_field(error), error.detail)
        except Away:
            return self._form(visit, {}, visit.words("portal.away"))
        # What the category needs and nobody has told yet: asked here of who has no script.
        questions = await self._questions(visit, body) if answer.json.get("code") else []
        return self._frame.render(
            visit, "portal_done.html", made=answer.json, questions=questions, key=new_id()
        )

    async def asked(self, visit: Visit) -> Response:
        """What somebody should tell who writes this; nothing while too many write at once."""
        text = visit.form.get("text", "").strip()[:MOST_READ]
        may = bool(text) and self._budget.take(visit.now)
        questions = await self._questions(visit, {"text": text}) if may else []
        return self._frame.render(visit, "part_asked.html", questions=questions)

    async def _questions(self, visit: Visit, body: Mapping[str, Any]) -> list[Fact]:
        policy = self._frame.environment.policy
        unit = self._unit(visit) or policy.root
        asked = {"text": body["text"][:MOST_READ], "unit": unit}
        understood = await part(self._caller(visit).post("/routing/v1/understand", asked))
        if not understood.value:
            return []
        category = understood.value["categories"][0]["code"]
        pack = policy.pack(*policy.in_force(unit, visit.now))
        known = {
            **body,
            "contact_types": body.get("complainant", {}).get("contacts"),
            "area": body.get("location"),
        }
        facts = missing_facts(pack.facts, category=category, complaint=known)
        # The form has a field for each of the others.
        return [one for one in facts if one.categories or one.id in ("when", "where")][:MOST_ASKED]

    async def privacy(self, visit: Visit) -> Response:
        """What becomes of what people tell, by the unit that they tell it to."""
        return self._frame.render(visit, "portal_privacy.html")

    async def lost(self, visit: Visit) -> Response:
        return self._lost(visit)

    async def send_code(self, visit: Visit) -> Response:
        """Have a lost code sent again; the answer is the same whether or not there is such a complaint."""
        form = visit.form
        contact = form.get("contact", "").strip()
        body = {
            "number": written(form.get("number", "")),
            "contact": {"type": contact_type(contact), "value": contact},
        }
        try:
            answer = await self._caller(visit).post("/intake/v1/public/codes", body)
        except Refused as error:
            errors = {
                ("number" if one["field"] == "number" else "contact"): one["message"]
                for one in error.errors
            }
            return self._lost(visit, errors=errors, notice=error.detail)
        except Away as error:
            return self._lost(visit, notice=visit.words("away.form", service=error.service))
        return self._lost(visit, done=visit.words.of(answer.json["detail"]))

    def _lost(
        self,
        visit: Visit,
        *,
        errors: Mapping[str, str] | None = None,
        notice: str = "",
        done: str = "",
    ) -> Response:
        values = {name: visit.form.get(name, "") for name in ("number", "contact")}
        values["number"] = values["number"] or visit.request.query_params.get("number", "")
        status = HTTPStatus.UNPROCESSABLE_ENTITY if errors or notice else HTTPStatus.OK
        return self._frame.render(
            visit,
            "portal_lost.html",
            status,
            values=values,
            errors=errors or {},
            notice=notice,
            done=done,
        )

    def _unit(self, visit: Visit) -> str:
        """The unit whose portal it is, as its links say; the whole where they say nothing that there is."""
        said = visit.form.get("unit") or visit.request.query_params.get("unit", "")
        return said if said in self._frame.environment.policy.units else ""

    async def _upload(self, visit: Visit, caller: Caller) -> list[dict[str, str]]:
        found = []
        for one in visit.uploads[:MOST_FILES]:
            headers = {
                "Content-Type": one.content_type or "application/octet-stream",
                "X-Filename": quote((one.filename or "")[:200]),
            }
            answer = await caller.send("/intake/v1/attachments", await one.read(), headers)
            found.append({"id": answer.json["id"]})
        return found

    async def ask(self, visit: Visit) -> Response:
        number = visit.request.query_params.get("number", "")
        return self._frame.render(visit, "portal_ask.html", number=number, error=None)

    async def follow(self, visit: Visit) -> Response:
        """Where it stands (R-063, R-098)."""
        number = written(visit.form.get("number", ""))
        try:
            answer = await self._caller(visit).get_with(
                f"/followup/v1/public/cases/{quote(number, safe='')}", self._code(visit)
            )
        except Refused as error:
            status = (
                HTTPStatus.NOT_FOUND
                if error.status != HTTPStatus.TOO_MANY_REQUESTS
                else error.status
            )
            return self._frame.render(
                visit,
                "portal_ask.html",
                status,
                number=visit.form.get("number", ""),
                error=error.detail,
            )
        return self._status(visit, number, answer.json)

    async def do(self, visit: Visit) -> Response:
        """What a customer may do; what followup does not accept is said above the form, which keeps its content."""
        number, name = written(visit.form.get("number", "")), visit.at("command")
        path = f"/followup/v1/public/cases/{quote(number, safe='')}"
        body: dict[str, object] = {}
        if text := visit.form.get("text", "").strip():
            body["text" if name == "add" else "reason"] = text
        if "accepted" in visit.form:
            body["accepted"] = visit.form["accepted"] == "true"
        caller, notice, failed = self._caller(visit), visit.words("portal.thanks"), None
        headers = self._code(visit) | {"Idempotency-Key": visit.form.get("key") or new_id()}
        try:
            await caller.post(f"{path}/commands/{quote(name, safe='')}", body, **headers)
        except Refused as error:
            failed = "; ".join(one["message"] for one in error.errors) or error.detail
        except Away:
            failed = visit.words("portal.away")
        answer = await caller.get_with(path, self._code(visit))
        return self._status(visit, number, answer.json, notice=notice, failed=failed)

    def _status(
        self,
        visit: Visit,
        number: str,
        found: Mapping[str, Any],
        *,
        notice: str = "",
        failed: str | None = None,
    ) -> Response:
        return self._frame.render(
            visit,
            "portal_status.html",
            HTTPStatus.UNPROCESSABLE_ENTITY if failed else HTTPStatus.OK,
            found=found,
            number=number,
            code=visit.form.get("code", ""),
            key=new_id(),
            notice="" if failed else notice,
            failed=failed,
            typed=visit.form.get("text", "") if failed else "",
        )

    def _form(self, visit: Visit, errors: Mapping[str, str], notice: str = "") -> Response:
        return self._frame.render(
            visit,
            "portal_complain.html",
            HTTPStatus.UNPROCESSABLE_ENTITY if errors or notice else HTTPStatus.OK,
            values={name: visit.form.get(name, "") for name in FIELDS},
            errors=errors,
            notice=notice,
            key=visit.form.get("key") or new_id(),
        )

    def _caller(self, visit: Visit) -> Caller:
        return self._frame.peers.ours(OURS, visit.language)

    def _code(self, visit: Visit) -> dict[str, str]:
        # A header holds printable ASCII; nothing else can be right.
        code = visit.form.get("code", "").strip()
        return {"Redress-Code": code if code.isascii() and code.isprintable() else ""}


def written(number: str) -> str:
    """A number as it is written, however it was typed."""
    digits = "".join(one for one in number if one.isdigit())
    return f"{digits[:4]}-{digits[4:8]}-{digits[8:]}"


def complaint_of(form: Mapping[str, str], channel: str, language: str) -> dict[str, Any]:
    """A complaint as intake takes it, of what a form holds. The contact is a phone, an address, or a mail address."""
    filled = {name: text.strip() for name, text in form.items() if text.strip()}
    person: dict[str, Any] = {"language": language}
    if contact := filled.get("contact"):
        person["contacts"] = [{"type": contact_type(contact), "value": contact}]
    if name := filled.get("name"):
        person["name"] = name
    body: dict[str, Any] = {
        "text": form["text"].replace("\r\n", "\n"), "channel": channel, "complainant": person,
    }  # fmt: skip
    if wish := filled.get("remedy_sought"):
        body["remedy_sought"] = wish
    if reference := filled.get("reference"):
        body["references"] = {"order_no": reference}
    if place := filled.get("place"):
        body["location"] = {"address": place}
    return body


def contact_type(text: str) -> str:
    """What kind of contact point somebody wrote down."""
    if "@" in text:
        return "email"
    return "phone" if _PHONE.fullmatch(text) else "wechat"


def errors_by_field(error: Refused) -> dict[str, str]:
    """What is wrong, by the fields of the form."""
    return {_WHERE.get(one["field"], one["field"]): one["message"] for one in error.errors}
