"""The lifecycle as followup tells it: names of states, and every command with its form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from services.desk.pages.peers import Peers
from services.desk.pages.words import Words
from services.desk.policy.forms import Field, fields_of

KEEP: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """States and commands by name, in followup's order."""

    states: Mapping[str, Mapping[str, Any]]
    commands: Mapping[str, Mapping[str, Any]]
    fields: Mapping[str, Sequence[Field]]

    def state(self, words: Words, name: str) -> str:
        """A state's name for staff."""
        return words.of(self.states[name]) if name in self.states else name


class Lifecycles:
    """Reads the lifecycle, and keeps it for some minutes: it changes with a release only."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._kept: tuple[datetime, Lifecycle] | None = None

    async def read(self, now: datetime) -> Lifecycle:
        """Raises Away where nothing is kept and followup does not answer."""
        if self._kept is not None and now - self._kept[0] < KEEP:
            return self._kept[1]
        asking = self._peers.ours(frozenset({"followup:read"}), "en")
        told = (await asking.get("/followup/v1/lifecycle")).json
        found = Lifecycle(
            states={one["name"]: one for one in told["states"]},
            commands={one["name"]: one for one in told["commands"]},
            fields={one["name"]: fields_of(one["body"]) for one in told["commands"]},
        )
        self._kept = (now, found)
        return found
