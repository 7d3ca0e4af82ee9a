"""One case on one page: who, in their own words, what was promised, what is due, what is missing, what to do next."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from services.desk.pages.frame import Frame, Visit, case_path, random_token, redirect
from services.desk.pages.lifecycle import Lifecycle, Lifecycles
from services.desk.pages.news import News, Presence
from services.desk.pages.peers import Away, Part, Refused, part, parts
from services.desk.policy.asking import missing_facts
from services.desk.policy.forms import Field, body_of, with_options
from services.desk.policy.getting_in import may_open
from services.desk.policy.showing import clocks_shown, next_command
from shared.packs.model import Pack
from shared.web.credentials import ROLE_SCOPES

MOST_QUESTIONS: Final = 3
QUIET: Final = frozenset(
    {"clock_started", "clock_stopped", "clock_met", "clock_cancelled", "clock_warned"}
)
"""Facts of clocks that a timeline keeps back: the clocks themselves stand beside it."""


INNER: Final = frozenset({
    "number", "complainant_id", "pack", "pack_version", "opened_at", "language", "reachable", "assignment", "id", "code",
})  # fmt: skip
"""Parts of facts that tell people nothing."""


@dataclass
class Filled:
    """A form that is shown again: which, what was typed, and what is wrong with it."""

    name: str
    values: Mapping[str, str] = field(default_factory=dict)
    errors: Sequence[Mapping[str, str]] = ()
    notice: str = ""

    def error_of(self, name: str) -> str:
        """What is wrong with a field."""
        return "; ".join(one["message"] for one in self.errors if one["field"] == name)

    def other_errors(self, fields: Sequence[Field]) -> list[str]:
        """What is wrong and of no field that the form has."""
        names = {one.name for one in fields}
        return [one["message"] for one in self.errors if one["field"] not in names]


@dataclass(frozen=True)
class Doable:
    """A command as the page shows it."""

    name: str
    title: str
    fields: Sequence[Field]
    lacks: Sequence[str]
    why_not: str | None


class CasePage:
    """The page of a case and its actions."""

    def __init__(
        self, frame: Frame, lifecycles: Lifecycles, news: News, presence: Presence
    ) -> None:
        self._frame = frame
        self._lifecycles = lifecycles
        self._news = news
        self._presence = presence
        frame.get("/desk/cases/{number}", self.show, "case")
        frame.get("/desk/cases/{number}/more", self.more, "case")
        frame.get("/desk/cases/{number}/files/{attachment}", self.file, "people")
        frame.post("/desk/cases/{number}/people", self.people, "people", again=self.show)
        frame.post("/desk/cases/{number}/correct", self.correct, "case", again=self.show)
        frame.post("/desk/cases/{number}/do/{command}", self.do, "case", again=self.show_filled)

    async def show(self, visit: Visit) -> Response:
        return await self._page(visit)

    async def show_filled(self, visit: Visit) -> Response:
        """The page with a form that was sent under a session that was over."""
        notice = visit.words("login.again")
        return await self._page(visit, Filled(visit.at("command"), visit.form, notice=notice))

    async def do(self, visit: Visit) -> Response:
        """Issue a command; what the service does not accept is shown beside its field."""
        number, name = visit.at("number"), visit.at("command")
        lifecycle = await self._lifecycles.read(visit.now)
        fields = lifecycle.fields.get(name, ())
        headers = {"If-Match": f'"{visit.form.get("version", "")}"'}
        if key := visit.form.get("key"):
            headers["Idempotency-Key"] = key
        body = body_of(fields, visit.form, self._frame.zone)
        path = f"/followup/v1/cases/{quote(number)}/commands/{quote(name, safe='')}"
        try:
            await visit.api.post(path, body, **headers)
        except Refused as error:
            if error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.UNAUTHORIZED):
                raise
            stale = error.status == HTTPStatus.PRECONDITION_FAILED
            notice = visit.words("case.stale") if stale else error.detail
            return await self._page(visit, Filled(name, visit.form, error.errors, notice))
        except Away as error:
            notice = visit.words("away.form", service=error.service)
            return await self._page(visit, Filled(name, visit.form, notice=notice))
        self._news.tell(number, self._frame.environment.policy.subtree(visit.staff.unit))
        return redirect(f"{case_path(number)}?done={quote(name)}")

    async def correct(self, visit: Visit) -> Response:
        """Say what the complaint is."""
        number, form = visit.at("number"), visit.form
        body = {name: form.get(name, "") for name in ("kind", "category", "severity")}
        body["reason"] = form.get("reason", "").strip() or visit.words("correct.reason_given")
        try:
            await visit.api.post(f"/routing/v1/decisions/{quote(number)}/corrections", body)
        except Refused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                raise
            return await self._page(visit, Filled("correct", form, error.errors, error.detail))
        return redirect(f"{case_path(number)}?done=correct")

    async def people(self, visit: Visit) -> Response:
        """Who complained, and their own words: the vault records who looked."""
        number = quote(visit.at("number"))
        original = await part(visit.api.get(f"/intake/v1/vault/complaints/{number}"))
        person: Part[Any] = Part()
        earlier: Part[Any] = Part()
        if original.value:
            id_ = original.value["complainant_id"]
            person = await part(visit.api.get(f"/intake/v1/vault/complainants/{id_}"))
        contacts = person.value["contacts"] if person.value else []
        if contacts:
            asked = {"contacts": contacts, "reason": f"desk/{visit.at('number')}"}
            earlier = await part(visit.api.post("/intake/v1/vault/search", asked))
        numbers = {n for one in (earlier.value or {"items": []})["items"] for n in one["numbers"]}
        return self._frame.render(
            visit,
            "part_people.html" if visit.wants_part else "people.html",
            number=visit.at("number"),
            original=original,
            person=person,
            earlier=sorted(numbers - {visit.at("number")}),
        )

    async def more(self, visit: Visit) -> Response:
        """What came after the complaint, and what is likely about the same."""
        number = quote(visit.at("number"))
        messages, links = await parts(
            visit.api.get(f"/intake/v1/complaints/{number}/messages", limit=200),
            visit.api.get(f"/intake/v1/complaints/{number}/links"),
        )
        return self._frame.render(
            visit,
            "part_more.html" if visit.wants_part else "more.html",
            number=visit.at("number"),
            messages=messages,
            links=links,
        )

    async def file(self, visit: Visit) -> Response:
        """A file that came with the complaint, always as a download; the vault records who took it."""
        got = await visit.api.fetch(f"/intake/v1/vault/attachments/{quote(visit.at('attachment'))}")
        names = ("content-type", "content-disposition")
        headers = {name: got.headers[name] for name in names if name in got.headers}
        return Response(got.content, headers=headers)

    async def _page(self, visit: Visit, filled: Filled | None = None) -> Response:
        number = visit.at("number")
        lifecycle = await self._lifecycles.read(visit.now)
        asked = [
            visit.api.get(f"/followup/v1/cases/{quote(number)}/whole"),
            visit.api.get(f"/intake/v1/complaints/{quote(number)}"),
        ]
        sees_decision = "routing:read" in ROLE_SCOPES[visit.staff.role]
        if sees_decision:
            asked.append(visit.api.get(f"/routing/v1/decisions/{quote(number)}"))
        whole, complaint, *decision = await parts(*asked)
        if whole.refused is not None:
            raise whole.refused
        if whole.away is not None:
            raise Away(whole.away)
        shown = self._shown(visit, lifecycle, whole.value or {}, complaint.value or {})
        status = HTTPStatus.OK if filled is None or visit.again else HTTPStatus.UNPROCESSABLE_ENTITY
        return self._frame.render(
            visit,
            "case.html",
            status,
            number=number,
            complaint=complaint,
            decision=decision[0] if decision else Part(),
            sees_decision=sees_decision,
            may_correct=_may_correct(visit, decision[0].value if decision else None),
            sees_people=may_open(visit.staff.role, "people"),
            filled=filled,
            done=_done(visit, lifecycle),
            people=await self._presence.look_in(number, visit.staff.id),
            key=random_token(),
            **shown,
        )

    def _shown(
        self,
        visit: Visit,
        lifecycle: Lifecycle,
        whole: Mapping[str, Any],
        complaint: Mapping[str, Any],
    ) -> dict[str, Any]:
        case = whole["case"]
        policy = self._frame.environment.policy
        pack = policy.pack(case["pack"], case["pack_version"])
        recorded = {
            name
            for one in whole["timeline"]
            if one["fact"] == "facts_recorded"
            for name in one["detail"].get("values", {})
        }
        facts = missing_facts(
            pack.facts, category=case["category"], complaint=complaint, recorded=recorded
        )
        look = Look(visit, pack, case, self._frame, lifecycle)
        clocks = clocks_shown(case["clocks"], visit.now)
        stops = {one.name: one.stops for one in pack.clocks}
        running = sorted((one for one in clocks if one.level != "met"), key=lambda one: one.due_at)
        told = [lifecycle.commands[one["name"]] | one for one in whole["commands"]]
        following = next_command(
            told,
            state=case["state"],
            states=list(lifecycle.states),
            stops=[stops[one.name] for one in running if one.name in stops],
        )
        doables = [look.doable(one, lifecycle.fields[one["name"]]) for one in told]
        questions = [visit.words.of(one.ask) for one in facts if one.required]
        return {
            "case": case,
            "whole": whole,
            "pack": pack,
            "look": look,
            "clocks": clocks,
            "state": lifecycle.state(visit.words, case["state"]),
            "missing": facts,
            "doables": doables,
            "following": following,
            "next": next((one for one in doables if one.name == following), None),
            "defaults": {
                "questions": "\n".join(questions[:MOST_QUESTIONS]),
                "told_at": visit.now.astimezone(self._frame.zone).strftime("%Y-%m-%dT%H:%M"),
            },
            "moments": [one for one in reversed(whole["timeline"]) if one["fact"] not in QUIET],
        }


class Look:
    """Names for what a case speaks of by code or id, and what there is to choose from."""

    def __init__(
        self,
        visit: Visit,
        pack: Pack,
        case: Mapping[str, Any],
        frame: Frame,
        lifecycle: Lifecycle,
    ) -> None:
        self._words = visit.words
        self._lifecycle = lifecycle
        self._pack = pack
        self._accounts = frame.environment.policy.accounts
        self.options = self._options(case)

    def _options(self, case: Mapping[str, Any]) -> dict[str, dict[str, str]]:
        """Values with their names, by the word of the field that is chosen from them."""
        words, pack = self._words, self._pack
        staff = {
            one.id: one.display
            for one in self._accounts.values()
            if one.active and one.role in ("handler", "supervisor")
        }
        solutions = case["solutions"][-1:]
        open_ = ("open", "overdue", "planned")
        return {
            "code": {one.code: words.of(one.name) for one in pack.causes},
            "team": {one.code: words.of(one.name) for one in pack.teams},
            "template": {
                one.id: words.named("template", one.id)
                for one in pack.templates
                if one.audience == "complainant"
            },
            "owner": staff,
            "actions.owner": staff,
            "visitors.account": staff,
            "promise": {
                one["id"]: one["what"] for one in case["promises"] if one["state"] != "kept"
            },
            "task": {one["id"]: one["what"] for one in case["tasks"] if one["state"] in open_},
            "visit": {
                one["id"]: words.when(one["at"]) for one in case["visits"] if one["state"] in open_
            },
            "message": {
                one["message_id"]: words.when(one["added_at"]) for one in case["awaiting_review"]
            },
            "action": {each["id"]: each["what"] for one in solutions for each in one["actions"]},
            "outside": {one["id"]: one["body"] for one in case["outside"] if one["result"] is None},
        }

    def doable(self, told: Mapping[str, Any], fields: Sequence[Field]) -> Doable:
        """A command with its form."""
        zh = self._words.language == "zh"
        lacks = [one["zh"] if zh and one["zh"] else one["message"] for one in told["lacks"]]
        if any(one.required and self.options.get(one.word) == {} for one in fields):
            lacks.append(self._words("case.nothing_to_choose"))
        return Doable(
            name=told["name"],
            title=self._words.of(told),
            fields=with_options(fields, {word: list(of) for word, of in self.options.items()}),
            lacks=lacks,
            why_not=None if told["allowed"] else (told["why_zh"] if zh else told["why"]),
        )

    def label(self, one: Field) -> str:
        """What a field is called."""
        return self._words.named("field", one.word.rpartition(".")[2])

    def option(self, one: Field, value: str) -> str:
        """What a choice is called."""
        known = self.options.get(one.word, {})
        return known.get(value) or self._words.named("value", value)

    def account(self, id_: str | None) -> str:
        """Who it is, by the name that customers see."""
        return self._words.account(id_, self._accounts)

    def category(self, code: str | None) -> str:
        if code is None:
            return self._words("case.unsure")
        found = next((one for one in self._pack.taxonomy if one.code == code), None)
        return self._words.of(found.name) if found else code

    def clock(self, name: str) -> str:
        found = next((one for one in self._pack.clocks if one.name == name), None)
        return self._words.of(found.title) if found else self._words.named("clock", name)

    def cue(self, id_: str) -> str:
        found = next((one for one in self._pack.cues if one.id == id_), None)
        return self._words.of(found.name) if found else id_

    def details(self, detail: Mapping[str, Any]) -> list[tuple[str, str]]:
        """What a moment of the timeline says, flat and in words."""
        return [
            (self._words.named("field", name), text)
            for name, value in detail.items()
            if name not in INNER and (text := self._text(name, value))
        ]

    def _text(self, name: str, value: object) -> str:
        match value:
            case None | False:
                return ""
            case True:
                return self._words("value.true")
            case str():
                return self._word(name, value)
            case list() | tuple():
                return "; ".join(filter(None, (self._text(name, each) for each in value)))
            case Mapping():
                return "; ".join(
                    f"{self._words.named('field', key)}: {text}"
                    for key, each in value.items()
                    if key not in INNER and (text := self._text(key, each))
                )
            case _:
                return str(value)

    def _word(self, name: str, value: str) -> str:
        match name:
            case _ if name.endswith("_at"):
                found = self._words.when(value)
            case "categories" | "category":
                found = self.category(value)
            case "clock":
                found = self.clock(value)
            case "why":
                said = self._words.said("why", value)
                found = self.clock(value) if said == value else said
            case "state":
                found = self._lifecycle.state(self._words, value)
            case "channel":
                found = self._words.named("channel", value)
            case "handler" | "owner" | "by":
                found = self.account(f"account/{value}")
            case _:
                found = self.options.get(name, {}).get(value) or self._words.said("value", value)
        return found


def _may_correct(visit: Visit, decision: Mapping[str, Any] | None) -> bool:
    """Whether routing takes a correction of who looks: as its handler, or as who gives out work."""
    if decision is None:
        return False
    is_theirs = decision["handler"] == visit.staff.id
    return is_theirs or "routing:write" in ROLE_SCOPES[visit.staff.role]


def _done(visit: Visit, lifecycle: Lifecycle) -> str | None:
    """What was just done, in words; only what there is to do."""
    name = visit.request.query_params.get("done", "")
    if name == "correct":
        return visit.words("correct.done")
    if name in lifecycle.commands:
        return visit.words("case.done", what=visit.words.of(lifecycle.commands[name]))
    return None
