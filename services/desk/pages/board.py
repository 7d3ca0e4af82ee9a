"""A supervisor's board: what is open, at risk and late by team, who has how much, and what waits for a person."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from starlette.responses import Response

from services.desk.pages.frame import Frame, Visit, redirect
from services.desk.pages.lifecycle import Lifecycles
from services.desk.pages.peers import Away, Refused, parts
from services.desk.pages.queue import Names
from services.desk.policy.showing import queue_order, to_acknowledge
from shared.web.credentials import ROLE_SCOPES

MOVE = "number."
"""Fields that name cases to be given to somebody else."""
ACTS: Final[Mapping[str, str]] = {
    "urge": "urge",
    "take": "take_escalation",
    "grant": "decide_extension",
    "deny": "decide_extension",
}
"""What is done with one button, and the command for it."""


class Board:
    """The board: giving cases to others, what waits for a yes or no, and hurrying (催办) by one key."""

    def __init__(self, frame: Frame, lifecycles: Lifecycles) -> None:
        self._frame = frame
        self._lifecycles = lifecycles
        frame.get("/desk/board", self.show, "board")
        frame.post("/desk/board/move", self.move, "board", again=self.show)
        frame.post("/desk/board/do", self.do, "board", again=self.show)
        frame.post("/desk/board/triage", self.triage, "board", again=self.show)

    async def show(self, visit: Visit) -> Response:
        return await self._page(visit)

    async def move(self, visit: Visit) -> Response:
        """Give the chosen cases to a handler, or by the rules to whoever they find."""
        chosen = [name.removeprefix(MOVE) for name in visit.form if name.startswith(MOVE)]
        reason, handler = visit.form.get("reason", "").strip(), visit.form.get("handler") or None
        if not chosen or not reason:
            return await self._page(visit, visit.words("board.choose"))
        items = [{"number": one, "handler": handler} for one in chosen]
        try:
            answer = await visit.api.post(
                "/routing/v1/assignments", {"items": items, "reason": reason}
            )
        except (Refused, Away) as error:
            return await self._page(visit, visit.told(error))
        stayed = [one for one in answer.json["items"] if one["status"] == "stayed"]
        if not stayed:
            return redirect(f"/desk/board?moved={len(chosen)}")
        zh = visit.language == "zh"
        told = "; ".join(
            f"{one['number']}: {(zh and one['zh']) or one['message']}" for one in stayed
        )
        return await self._page(visit, told)

    async def do(self, visit: Visit) -> Response:
        """One button on one case: `act` is `urge/NUMBER` and the like. A note may come with it."""
        act, _, number = visit.form.get("act", "").partition("/")
        if act not in ACTS:
            return redirect("/desk/board")
        note = visit.form.get("note", "").strip()
        body: dict[str, object] = {"note": note} if note else {}
        if act == "urge":
            body = {"text": note or visit.words("board.urged_by"), "by_customer": False}
        if act in ("grant", "deny"):
            body["granted"] = act == "grant"
        path = f"/followup/v1/cases/{quote(number, safe='')}/commands/{ACTS[act]}"
        return await self._done(visit, act, path, body, **{"If-Match": "*"})

    async def triage(self, visit: Visit) -> Response:
        """Say what a complaint is that nobody was sure of, by one of the categories that were likely."""
        form = visit.form
        number, _, category = form.get("is", "").partition("/")
        body = {
            "category": category,
            "kind": form.get(f"kind.{number}", ""),
            "severity": form.get(f"severity.{number}", ""),
            "reason": visit.words("correct.reason_given"),
        }
        path = f"/routing/v1/decisions/{quote(number, safe='')}/corrections"
        return await self._done(visit, "triage", path, body)

    async def _done(
        self, visit: Visit, what: str, path: str, body: object, **headers: str
    ) -> Response:
        try:
            await visit.api.post(path, body, **headers)
        except (Refused, Away) as error:
            return await self._page(visit, visit.told(error))
        return redirect(f"/desk/board?did={what}")

    async def _page(self, visit: Visit, notice: str = "") -> Response:
        cases, triage, handlers = await parts(
            visit.api.get("/followup/v1/cases", open="true", limit=200),
            visit.api.get("/routing/v1/decisions", state="triage"),
            visit.api.get("/routing/v1/handlers", limit=200),
        )
        lifecycle = await self._lifecycles.read(visit.now)
        rows = queue_order(cases.value["items"], visit.now) if cases.value else []
        open_ = [case for case, _ in rows]
        scopes, query = ROLE_SCOPES[visit.staff.role], visit.request.query_params
        did = query.get("did", "")
        return self._frame.render(
            visit,
            "board.html",
            422 if notice else 200,
            cases=cases,
            triage=triage,
            handlers=handlers,
            rows=rows,
            teams=by_team(rows),
            escalated=[one for one in open_ if to_acknowledge(one)],
            extensions=[one for one in open_ if one["extension"]],
            lifecycle=lifecycle,
            more=bool(cases.value and cases.value["next"]),
            names=Names(self._frame.environment.policy, visit),
            notice=notice,
            may_move="routing:write" in scopes,
            may_command="followup:write" in scopes,
            moved=query.get("moved", ""),
            did=visit.words(f"board.did.{did}") if did in (*ACTS, "triage") else "",
            form=visit.form,
        )


def by_team(
    rows: list[tuple[Mapping[str, Any], Any]],
) -> dict[tuple[str, str | None], Counter[str]]:
    """How many cases of each unit's teams are open, at risk and late."""
    found: dict[tuple[str, str | None], Counter[str]] = {}
    for case, clock in rows:
        counted = found.setdefault((case["unit"], case["owner"]["team"]), Counter())
        counted["open"] += 1
        if clock is not None:
            counted[clock.level] += 1
    return dict(sorted(found.items(), key=lambda pair: (-pair[1]["late"], -pair[1]["open"])))
