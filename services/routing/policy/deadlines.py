"""When a pack's clocks are due for a complaint, as far as they run from its receipt."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.routing.model import Judged
from shared.packs.calendars import calendar_of
from shared.packs.model import Clock, Pack
from shared.worktime import Calendar, Term, add_term


@dataclass(frozen=True, slots=True)
class Deadlines:
    """One version of a pack, ready to count with; `zone` is for calendars that name none."""

    pack: Pack
    zone: str
    _calendars: dict[str, Calendar] = field(default_factory=dict)

    def of(self, judged: Judged, *, channel: str, start: datetime) -> Mapping[str, datetime]:
        """Clock → when it is due. Clocks that wait for something else than the receipt are left out."""
        running = self.pack.clocks_for(
            kind=judged.kind,
            category=judged.category,
            severity=judged.severity,
            channel=channel,
        )
        return {
            clock.name: self._due(clock, judged, start)
            for clock in running
            if clock.starts == "received"
        }

    def _due(self, clock: Clock, judged: Judged, start: datetime) -> datetime:
        terms = (clock.target(judged.severity), clock.statutory_term)
        return min(self._count(clock.calendar, term, start) for term in terms if term is not None)

    def _count(self, name: str, term: Term, start: datetime) -> datetime:
        if name not in self._calendars:
            self._calendars[name] = calendar_of(self.pack.calendar_spec(name), zone=self.zone)
        return add_term(self._calendars[name], start, term).at
