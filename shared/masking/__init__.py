"""Takes personal data out of a text, before it leaves for an event, a log or a metric.

What has a fixed form is found always. Names and addresses are found where they are known (`known`), and where words
around them tell: after a salutation or an introduction, in a signature, a road with its number. What else a text tells
about somebody stays: how much is found stands in docs/guarantees.md.
"""

import re
from collections.abc import Sequence
from typing import Final

from shared.masking.addresses import addresses
from shared.masking.formats import is_id_card, is_luhn, is_vin, mails, numbers, plates, vins
from shared.masking.names import names
from shared.masking.spans import (
    Find,
    Known,
    Masked,
    MaskedKind,
    Span,
    exactly,
    joined,
    narrow,
    take_out,
)

__all__ = [
    "Known",
    "Masked",
    "MaskedKind",
    "Span",
    "is_id_card",
    "is_luhn",
    "is_vin",
    "mask",
    "mask_text",
]

_ANY: Final = re.compile("[0-9@]")
"""Whatever has a fixed form has one of these in it."""


def mask(text: str, *, known: Sequence[Known] = ()) -> Masked:
    """Replace each find by `[kind]`. Masking a masked text again changes nothing."""
    plain = narrow(text)
    finds: list[Find] = []
    for value, kind in known:
        if len(value) > 1:
            plain = take_out(plain, exactly(plain, narrow(value), kind), finds)
    if _ANY.search(plain):
        for finder in (mails, vins, numbers, plates):
            plain = take_out(plain, finder(plain), finds)
    for finder in (addresses, names):
        plain = take_out(plain, finder(plain), finds)
    return joined(text, sorted(finds)) if finds else Masked(text)


def mask_text(text: str | None, *, known: Sequence[Known] = ()) -> str | None:
    """The masked text alone, for short fields that may be absent."""
    return None if text is None else mask(text, known=known).text
