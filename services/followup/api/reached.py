"""A case within reach of who asks."""

from typing import Any

from sqlalchemy import Row

from services.followup.api.answers import CaseOut, case_out
from shared.contracts.followup import CaseChanged
from shared.errors import NotFound
from shared.web.credentials import Principal


def reached(row: Row[Any] | None, principal: Principal, number: str) -> Row[Any]:
    """The row, if the asker's units hold it. Raises NotFound."""
    if row is None or row.unit not in principal.units:
        raise NotFound(f"There is no case {number}.", zh=f"没有工单 {number}。")
    return row


def shown(row: Row[Any]) -> CaseOut:
    """A case's row as the API shows it."""
    return case_out(row.complaint, row.unit, CaseChanged.model_validate(row.body))
