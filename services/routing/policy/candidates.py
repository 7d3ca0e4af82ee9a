"""Which recent complaints may have the same cause: one sign (an area, a batch, an order), or nearly the same words.

A sign is a number: the same of the same unit, name and value in every process. A text has the numbers of a few of its
shingles, drawn by hash (a bottom-k sketch, Broder 1997), so that near texts share most of them, in Chinese and English,
and finding them is a look-up and never a comparison with all there is.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from heapq import nsmallest
from typing import Final

from services.routing.model import MOST_COMPLAINTS, IncidentCandidate, Seen, Sign
from services.routing.policy.features import features
from services.routing.policy.plain import normalised

SHINGLES: Final = 5
"""How many a text is known by."""
ALIKE: Final = 3
"""So many shared mean that texts are alike: about three fifths of all that is in them."""
SHORTEST: Final = 12
"""Features of a text that are too few to be told from another's."""
OF_A_CAUSE: Final = frozenset(
    {"order", "feeder", "transformer", "line", "substation", "building", "shipment", "waybill", "delivery", "flight"}
)  # fmt: skip
"""References that people with one trouble share, by the first word of their name; an account is one customer's."""
WEIGHTS: Final[Mapping[str, float]] = {"batch_no": 0.9, "vin_prefix": 0.6, "shop": 0.5, "area": 0.4}
"""How far a sign speaks for one cause: a batch by itself, an area only when there are more. References: 0.9."""
OF_REFERENCE: Final = 0.9


def signs_of(
    *, unit: str, fields: Mapping[str, str | None], tokens: Mapping[str, str], text: str
) -> tuple[Sign, ...]:
    """The signs that a complaint shows. `fields`: those of `WEIGHTS`, by name; `tokens`: its references, keyed."""
    told = [(name, value) for name, value in fields.items() if name in WEIGHTS and value]
    told += [(name, token) for name, token in tokens.items() if name.split("_")[0] in OF_A_CAUSE]
    named = (Sign(by, value, _number(unit, by, value)) for by, value in sorted(told))
    return (*named, *_shingles(unit, text))


def _shingles(unit: str, text: str) -> list[Sign]:
    found = features(normalised(text))
    if len(found) < SHORTEST:
        return []
    # Scrambled, so that which are drawn says nothing about what they are.
    drawn = nsmallest(SHINGLES, {(one * 2_654_435_761) & 0xFFFF_FFFF for one in found})
    return [Sign("text", f"{one:08x}", _number(unit, "text", f"{one:08x}")) for one in drawn]


def _number(unit: str, by: str, value: str) -> int:
    said = f"{unit}\x1f{by}\x1f{value}".encode()
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big", signed=True)


def find_candidates(
    signs: Sequence[Sign], seen: Mapping[int, Seen]
) -> tuple[IncidentCandidate, ...]:
    """The candidates for what shows `signs`, the likeliest first; nothing of a sign that nobody showed before."""
    found = [
        IncidentCandidate(sign.by, sign.value, there.complaints, there.count, _score(sign.by, there.count))
        for sign in signs
        if sign.by != "text" and (there := seen.get(sign.number))
    ]  # fmt: skip
    found += _alike(signs, seen)
    return tuple(sorted(found, key=lambda one: (-one.score, one.by, one.value)))


def _score(by: str, count: int) -> float:
    """More complaints make a common cause likelier, each one less so."""
    return round(WEIGHTS.get(by, OF_REFERENCE) * (1 - 0.5**count), 3)


def _alike(signs: Sequence[Sign], seen: Mapping[int, Seen]) -> list[IncidentCandidate]:
    texts = [sign for sign in signs if sign.by == "text"]
    shared = Counter(
        complaint
        for sign in texts
        if (there := seen.get(sign.number))
        for complaint in dict.fromkeys(there.complaints)
    )
    alike = {one: count for one, count in shared.items() if count >= ALIKE}
    if not alike:
        return []
    likeness = max(alike.values()) / SHINGLES
    complaints = tuple(sorted(alike, key=lambda one: (alike[one], one)))[-MOST_COMPLAINTS:]
    return [IncidentCandidate("text", "", complaints, len(alike), round(likeness, 3))]
