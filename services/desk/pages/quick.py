"""Quick entry: who calls or comes by is written down in under a minute (R-004)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response

from services.desk.pages.frame import Frame, Visit
from services.desk.pages.peers import Away, Part, Refused, part
from services.desk.pages.portal import complaint_of, contact_type, errors_by_field
from services.desk.policy.asking import missing_facts
from shared.ids import new_id

FIELDS: Final = (
    "text",
    "contact",
    "name",
    "remedy_sought",
    "reference",
    "place",
    "channel",
    "call_id",
)
CHANNELS: Final = ("phone", "walk_in", "letter")


class QuickEntry:
    """The form for a call or a visitor; a telephone system opens it with `?phone=&call_id=`."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        frame.get("/desk/new", self.form, "new")
        frame.post("/desk/new", self.take, "new", again=self.form)
        frame.post("/desk/new/caller", self.caller, "new", again=self.form)

    async def form(self, visit: Visit) -> Response:
        query = visit.request.query_params
        values = {
            "contact": query.get("phone", "")[:100],
            "call_id": query.get("call_id", "")[:255],
        }
        found = await self._find(visit, values["contact"]) if values["contact"] else Part()
        return self._form(visit, values | visit.form, found=found)

    async def caller(self, visit: Visit) -> Response:
        """Who has this phone number, and their complaints; the vault records the look."""
        found = await self._find(visit, visit.form.get("contact", "").strip())
        if visit.wants_part:
            return self._frame.render(visit, "part_caller.html", found=found)
        return self._form(visit, visit.form, found=found)

    async def take(self, visit: Visit) -> Response:
        """Take the complaint; then the number to read out, and what is still to be asked."""
        form = visit.form
        if not form.get("text", "").strip():
            return self._form(visit, form, {"text": visit.words("portal.say_something")})
        channel = form.get("channel", "")
        body = complaint_of(form, channel if channel in CHANNELS else CHANNELS[0], visit.language)
        if call := form.get("call_id", "").strip():
            body["external_id"] = call
        try:
            answer = await visit.api.post(
                "/intake/v1/complaints", body, **{"Idempotency-Key": form.get("key") or new_id()}
            )
        except Refused as error:
            return self._form(visit, form, errors_by_field(error), error.detail)
        except Away as error:
            return self._form(visit, form, {}, visit.words("away.form", service=error.service))
        understood = await part(visit.api.post("/routing/v1/understand", {"text": form["text"]}))
        policy = self._frame.environment.policy
        pack = policy.pack(*policy.in_force(visit.staff.unit, visit.now))
        category = understood.value["categories"][0]["code"] if understood.value else None
        known = body | {
            "contact_types": body["complainant"].get("contacts"),
            "area": form.get("place"),
        }
        return self._frame.render(
            visit,
            "new_done.html",
            made=answer.json,
            questions=missing_facts(pack.facts, category=category, complaint=known),
        )

    async def _find(self, visit: Visit, contact: str) -> Part[Any]:
        if not contact:
            return Part()
        contacts = [{"type": contact_type(contact), "value": contact}]
        return await part(
            visit.api.post("/intake/v1/vault/search", {"contacts": contacts, "reason": "desk/new"})
        )

    def _form(
        self,
        visit: Visit,
        values: Mapping[str, str],
        errors: Mapping[str, str] | None = None,
        notice: str = "",
        found: Part[Any] | None = None,
    ) -> Response:
        return self._frame.render(
            visit,
            "new.html",
            HTTPStatus.UNPROCESSABLE_ENTITY if errors or notice else HTTPStatus.OK,
            values={name: values.get(name, "") for name in FIELDS},
            errors=errors or {},
            notice=notice,
            channels=CHANNELS,
            key=values.get("key") or new_id(),
            found=found or Part(),
        )
