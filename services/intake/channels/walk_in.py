"""walk_in: what a customer said at a counter, taken down by staff, with scans of what they brought along."""

from collections.abc import Mapping
from typing import Any, Final

from services.intake.channels.form import read_form
from services.intake.channels.port import Own, Payload, Submission

EXAMPLE: Final[Mapping[str, Any]] = {
    "text": "客户到营业厅反映换表后电费翻倍，要求校表。",
    "external_id": "counter-3-20260303-017",
    "shop": "西湖营业厅",
    "complainant": {"name": "陈志远", "contacts": [{"type": "phone", "value": "+8613800138000"}]},
}


def read(payload: Payload, _: Own) -> Submission:
    """The complaint as it was taken down. Raises Malformed or Invalid."""
    form = read_form(payload)
    return Submission(form.body, form.files, form.original)
