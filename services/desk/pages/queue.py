"""A handler's queue: what is due first on top."""

from starlette.responses import Response

from services.desk.pages.frame import Frame, Visit, case_path, redirect
from services.desk.pages.lifecycle import Lifecycles
from services.desk.pages.peers import parts
from services.desk.policy.showing import queue_order
from shared.errors import NotFound
from shared.ids import is_number
from shared.packs.model import Pack
from shared.policy import Policy


class Queue:
    """Cases of one handler, and the way to any case by its number."""

    def __init__(self, frame: Frame, lifecycles: Lifecycles) -> None:
        self._frame = frame
        self._lifecycles = lifecycles
        frame.get("/desk/queue", self.show, "queue")
        frame.get("/desk/find", self.find, "case")

    async def show(self, visit: Visit) -> Response:
        """The open cases of who looks."""
        asked = visit.api.get("/followup/v1/cases", handler=visit.staff.id, open="true", limit=200)
        [cases] = await parts(asked)
        lifecycle = await self._lifecycles.read(visit.now)
        rows = queue_order(cases.value["items"], visit.now) if cases.value else []
        return self._frame.render(
            visit,
            "queue.html",
            cases=cases,
            rows=rows,
            lifecycle=lifecycle,
            more=bool(cases.value and cases.value["next"]),
            late=sum(1 for _, clock in rows if clock and clock.level == "late"),
            soon=sum(1 for _, clock in rows if clock and clock.level == "soon"),
            names=Names(self._frame.environment.policy, visit),
        )

    async def find(self, visit: Visit) -> Response:
        """Straight to a case whose number somebody typed or was told, with or without dashes."""
        typed = "".join(visit.request.query_params.get("number", "").split()).replace("-", "")
        number = f"{typed[:4]}-{typed[4:8]}-{typed[8:]}"
        if not is_number(number):
            raise NotFound(
                "This is no complaint's number: eleven digits, as in 1234-5678-901.",
                zh="这不是投诉编号：应为 11 位数字，例如 1234-5678-901。",
            )
        return redirect(case_path(number))


class Names:
    """Words of the packs in force, for lists of cases of several units."""

    def __init__(self, policy: Policy, visit: Visit) -> None:
        self._policy = policy
        self._words, self._now = visit.words, visit.now
        self._packs: dict[str, Pack] = {}

    def category(self, unit: str, code: str | None) -> str:
        """A category's name; its code where the unit's pack has no such category."""
        if code is None:
            return self._words("case.unsure")
        found = next((one for one in self._pack(unit).taxonomy if one.code == code), None)
        return self._words.of(found.name) if found else code

    def clock(self, unit: str, name: str) -> str:
        """A clock's name."""
        found = next((one for one in self._pack(unit).clocks if one.name == name), None)
        return self._words.of(found.title) if found else self._words.named("clock", name)

    def team(self, unit: str, code: str | None) -> str:
        """A team's name."""
        if code is None:
            return self._words("board.no_team")
        found = next((one for one in self._pack(unit).teams if one.code == code), None)
        return self._words.of(found.name) if found else code

    def account(self, id_: str | None) -> str:
        """A member of staff, by the name that customers see."""
        return self._words.account(id_, self._policy.accounts)

    def unit(self, unit: str) -> str:
        """A unit's name."""
        found = self._policy.units.get(unit)
        if found is None:
            return unit
        return found.title_zh if self._words.language == "zh" else found.title_en

    def _pack(self, unit: str) -> Pack:
        if unit not in self._packs:
            self._packs[unit] = self._policy.pack(*self._policy.in_force(unit, self._now))
        return self._packs[unit]
