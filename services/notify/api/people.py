"""What people want of our messages."""

from typing import Annotated, Any, Final
from zoneinfo import available_timezones

from fastapi import APIRouter, Depends
from pydantic import AfterValidator, BaseModel, Field
from pydantic_core import PydanticCustomError

from services.notify import store
from services.notify.api.door import Door
from services.notify.model import Wishes
from shared.errors import NotFound
from shared.web.body import body_of, describe_body
from shared.web.credentials import Principal

HOUR: Final = r"^([01]\d|2[0-3]):[0-5]\d$"


def _known_zone(zone: str | None) -> str | None:
    if zone is not None and zone not in available_timezones():
        raise PydanticCustomError("zone", "is no time zone: use a name such as Asia/Shanghai")
    return zone


Hour = Annotated[str, Field(pattern=HOUR)]
ChannelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,19}$")]


class WishesIn(BaseModel):
    """What somebody wants, whole. Hours are theirs, `HH:MM`; `stopped` names channels, contact types or `all`."""

    stopped: Annotated[list[ChannelName], Field(max_length=20)] = []
    quiet_from: Hour | None = None
    quiet_to: Hour | None = None
    zone: Annotated[str | None, AfterValidator(_known_zone)] = None
    language: Annotated[str | None, Field(pattern=r"^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8})*$")] = None
    channels: Annotated[list[ChannelName], Field(max_length=20)] = []

    def to_wishes(self) -> Wishes:
        return Wishes(
            stopped=tuple(self.stopped), quiet_from=minutes(self.quiet_from), quiet_to=minutes(self.quiet_to),
            zone=self.zone, language=self.language, channels=tuple(self.channels),
        )  # fmt: skip


def minutes(hour: str | None) -> int | None:
    """Minutes of the day."""
    return int(hour[:2]) * 60 + int(hour[3:]) if hour else None


def _hour(at: int | None) -> str | None:
    return f"{at // 60:02}:{at % 60:02}" if at is not None else None


def shown(wishes: Wishes) -> dict[str, Any]:
    """Wishes as they are posted."""
    found = {name: getattr(wishes, name) for name in Wishes.__slots__}
    return found | {"quiet_from": _hour(wishes.quiet_from), "quiet_to": _hour(wishes.quiet_to)}


def add_people(router: APIRouter, door: Door) -> None:
    """The routes about wishes. `person` is a complainant's id, or an account's behind `staff/`."""
    guard, database = door.environment.guard, door.database

    @router.get("/preferences/{person:path}")
    async def get_wishes(
        principal: Annotated[Principal, Depends(guard.scope("notify:read"))], person: str
    ) -> WishesIn:
        async with database.reading() as connection:
            row = await store.preference(connection, person)
        if row is None or row.unit not in principal.units:
            raise NotFound(
                f"Nothing is known of the wishes of {person!r}.", zh="没有此人的通知偏好。"
            )
        return WishesIn.model_validate(shown(store.wishes(row.wishes)))

    @router.put(
        "/preferences/{person:path}", status_code=204, openapi_extra=describe_body(WishesIn)
    )
    async def put_wishes(
        principal: Annotated[Principal, Depends(guard.scope("notify:write"))],
        person: Annotated[str, Field(max_length=80)],
        body: Annotated[WishesIn, Depends(body_of(WishesIn))],
    ) -> None:
        """Write what somebody wants. Somebody else's unit is not there."""
        async with database.reading() as connection:
            row = await store.preference(connection, person)
            unit = row.unit if row else await store.unit_of_person(connection, person)
        unit = unit or _unit_of_account(door, person)
        if unit is None or unit not in principal.units:
            raise NotFound(f"There is nobody {person!r} within reach.", zh="没有此人。")
        wishes = body.to_wishes()
        await database.run(lambda tx: store.keep_wishes(tx, person, unit, wishes))


def _unit_of_account(door: Door, person: str) -> str | None:
    account = door.environment.policy.accounts.get(person.removeprefix("staff/"))
    return account.unit if account and person.startswith("staff/") else None
