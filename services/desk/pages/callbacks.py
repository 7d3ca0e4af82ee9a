"""Callbacks: whom to call now, with script and history, and the outcome in one click (R-032, R-111)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from services.desk.pages.frame import Frame, Visit, redirect
from services.desk.pages.peers import Away, Part, Refused, part, parts
from services.desk.pages.queue import Names
from services.desk.pages.words import Language, Words
from services.desk.policy.showing import filled, moment

AHEAD: Final = timedelta(days=1)
ANSWERED: Final = ("satisfied", "neutral", "dissatisfied")
TRIED: Final = ("no_answer", "wrong_number", "refused")


class Callbacks:
    """The caller's day: the next call first; who could not be reached is planned again by the pack's plan."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        frame.get("/desk/callbacks", self.show, "callbacks")
        frame.post("/desk/callbacks/done", self.done, "callbacks", again=self.show)

    async def show(self, visit: Visit) -> Response:
        return await self._page(visit)

    async def done(self, visit: Visit) -> Response:
        """Record what became of a call: `outcome` is `NUMBER/what`."""
        form = visit.form
        number, _, outcome = form.get("outcome", "").partition("/")
        note = form.get("note", "").strip()
        command, body = command_of(outcome, is_second=form.get("second") == "1", note=note)
        if command is None:
            return redirect("/desk/callbacks")
        path = f"/followup/v1/cases/{quote(number, safe='')}/commands/{command}"
        try:
            await visit.api.post(path, body, **{"If-Match": "*"})
        except (Refused, Away) as error:
            return await self._page(visit, visit.told(error))
        return redirect(f"/desk/callbacks?did={quote(outcome)}")

    async def _page(self, visit: Visit, notice: str = "") -> Response:
        until = (visit.now + AHEAD).isoformat()
        calls = await part(visit.api.get("/followup/v1/callbacks", until=until))
        items = calls.value["items"] if calls.value else []
        now = [one for one in items if moment(one["due_at"]) <= visit.now]
        whole: Part[Any] = Part()
        complaint: Part[Any] = Part()
        if now:
            number = quote(now[0]["number"])
            whole, complaint = await parts(
                visit.api.get(f"/followup/v1/cases/{number}/whole"),
                visit.api.get(f"/intake/v1/complaints/{number}"),
            )
        did = visit.request.query_params.get("did", "")
        return self._frame.render(
            visit,
            "callbacks.html",
            422 if notice else 200,
            calls=calls,
            now_due=now,
            later=[one for one in items if one not in now],
            script=self._script(visit, now[0], whole.value) if now else [],
            whole=whole,
            complaint=complaint,
            names=Names(self._frame.environment.policy, visit),
            answered=ANSWERED,
            tried=TRIED,
            typed=visit.form.get("note", ""),
            notice=notice,
            did=visit.words(f"calls.did.{did}") if did in (*ANSWERED, *TRIED, "claim") else "",
        )

    def _script(
        self, visit: Visit, call: Mapping[str, Any], whole: Mapping[str, Any] | None
    ) -> list[str]:
        """What to say, with who calls, since when and about what; in the customer's language, as the pack has it."""
        language: Language = "zh" if call["language"] == "zh" else "en"
        theirs = replace(visit, words=Words(language, visit.words.zone))
        names = Names(self._frame.environment.policy, theirs)
        values = {
            "org": names.unit(call["unit"]),
            "date": theirs.words.day(whole["case"]["received_at"]) if whole else "…",
            "restated": names.category(call["unit"], call["category"]),
        }
        return [filled(line, values) for line in call["script"]]


def command_of(
    outcome: str, *, is_second: bool, note: str
) -> tuple[str | None, Mapping[str, object]]:
    """The command that records an outcome, and its body; None for what is no outcome."""
    more: dict[str, object] = {"note": note} if note else {}
    if outcome in ANSWERED:
        return ("check_back" if is_second else "callback"), {"result": outcome} | more
    if outcome in TRIED:
        return "try_callback", {"outcome": outcome} | more
    return ("claim_callback", {}) if outcome == "claim" else (None, {})
