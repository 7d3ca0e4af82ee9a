"""Making the rows of an import ready to be written: checked, masked and sealed. No database is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from services.intake.api.bodies import ComplaintIn
from services.intake.api.door import Door
from services.intake.api.imports.bodies import HistoryIn
from services.intake.api.imports.rows import wrong
from services.intake.model import Claim, Customer, KnownCustomer, Reception
from services.intake.policy import columns as columns_policy
from services.intake.policy.table_file import customer_of
from services.intake.usecases.customers import prepare_customer
from services.intake.usecases.importing import BY_HISTORY, Past, renumbered
from services.intake.usecases.receive import Origin, prepare
from shared.errors import Rejected
from shared.ids import new_id, new_number
from shared.web.body import invalid
from shared.web.credentials import Principal

Ready = Reception | Past | KnownCustomer | Rejected | str
"""A row as it is written; what is wrong with it; or, of a dry run, the id that it would have."""


@dataclass(frozen=True, slots=True)
class Job:
    """An import as it is worked on."""

    id: str
    unit: str
    kind: str
    is_dry: bool
    columns: Mapping[str, str]
    file_hash: str
    principal: Principal


def made_ready(door: Door, job: Job, number: int, said: Any) -> Ready:  # noqa: ANN401 - cells or an object
    """One row made ready. Raises Transient while what its unit is judged by is not here yet."""
    try:
        if job.kind == "customers":
            made: Ready = _customer(door, job, said)
        elif job.kind == "history":
            made = _past(door, job, number, said)
        else:
            made = _complaint(door, job, number, said)
    except Rejected as error:
        return error
    return new_id() if job.is_dry else made


def redrawn(one: Ready) -> Ready:
    """The same under another number, where it has one."""
    match one:
        case Past():
            return renumbered(one)
        case Reception():
            return replace(one, number=new_number())
        case _:
            return one


def validated(model: Any, said: Any) -> Any:  # noqa: ANN401 - a model and its instance
    """The instance of a model that is said. Raises Invalid."""
    try:
        return model.model_validate(said)
    except ValidationError as error:
        raise invalid(error) from error


def _complaint(door: Door, job: Job, number: int, said: Any) -> Reception:  # noqa: ANN401 - as above
    body, _ = _body(door, job, number, said)
    original = _original(body)
    return door.ready(
        body, job.principal, original=original, key=None, fingerprint=door.tokens.fingerprint(original)
    )  # fmt: skip


def _past(door: Door, job: Job, number: int, said: Any) -> Past:  # noqa: ANN401 - as above
    body, given = _body(door, job, number, said)
    now = door.environment.clock.now()
    history: HistoryIn = validated(HistoryIn, given)
    if history.received_at > now:
        raise wrong("received_at", "is yet to come", "晚于当前时间")
    complaint = door.normal(body, job.principal)
    pack, version = door.environment.policy.in_force(complaint.unit, now)
    scope = f"history/{complaint.unit}/{complaint.channel}"
    origin = Origin(
        by=f"{BY_HISTORY}{job.id}", units=job.principal.units, pack=pack, pack_version=version,
        claims=(Claim(scope, door.tokens.external(str(body.external_id)), ""),), received_at=history.received_at,
    )  # fmt: skip
    made = prepare(
        complaint, origin, original=_original(body), vault=door.vault, tokens=door.tokens
    )
    return Past(made, history.closed_at, history.outcome)


def _customer(door: Door, job: Job, said: Any) -> KnownCustomer:  # noqa: ANN401 - cells
    customer = customer_of(list(job.columns.values()), said, job.unit)
    if not isinstance(customer, Customer):
        raise customer
    now = door.environment.clock.now()
    return prepare_customer(customer, at=now, vault=door.vault, tokens=door.tokens)


def _body(door: Door, job: Job, number: int, said: Any) -> tuple[ComplaintIn, dict[str, Any]]:  # noqa: ANN401
    """The complaint in a row, with its natural key, and what is said of its past."""
    if not isinstance(said, dict):
        fields, zone = tuple(job.columns.values()), door.environment.settings.timezone
        said = columns_policy.body_of(fields, said, zone=zone)
    said = {"channel": "import", "external_id": f"{job.file_hash[:32]}/{number}"} | said
    said.setdefault("unit", job.unit)
    history = said.pop("history", {})
    return validated(ComplaintIn, said), history if isinstance(history, dict) else {}


def _original(body: ComplaintIn) -> bytes:
    """What stands for the words as received: all that the row says, as it was understood."""
    return body.model_dump_json(exclude_defaults=True).encode()
