"""A learnt model: sparse linear weights over hashed features, as data; no library of numbers needed.

Each feature has one whole number in which the weights for all labels stand side by side, 32 bits
each. Adding the numbers of a text's features adds all labels at once.
"""

import base64
import json
import math
import struct
import sys
import zlib
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

FORMAT: Final = 3
"""How a model is written."""
FEATURES: Final = 2
"""What its features are: another one when they change, so that old models are made anew."""
_BITS: Final = 32
_HALF: Final = 1 << (_BITS - 1)
_FIELD: Final = (1 << _BITS) - 1
_SMALL: Final = 1 << 15
_STEPS: Final = (1 << 9) - 1
"""How finely weights are kept: finer ones take more room and tell nothing more."""
MAX_BYTES: Final = 64_000_000


class NotAModel(ValueError):
    """Data that is no model of this format; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Head:
    """One question to a text, and how its margins become probabilities.

    `exclusive`: the labels exclude each other (softmax), else each is a yes or no of its own. A
    label's logit is `slope` x margin + its offset.
    """

    name: str
    labels: tuple[str, ...]
    biases: tuple[float, ...]
    exclusive: bool = True
    slope: float = 1.0
    offsets: tuple[float, ...] = ()

    def likely(self, margins: Sequence[float], least: float) -> dict[str, float]:
        """The labels of their own that are at least so likely."""
        border = math.log(least / (1 - least))
        logits = self._logits(margins)
        if max(logits, default=border - 1) < border:
            return {}
        return {
            label: _sigmoid(logit)
            for label, logit in zip(self.labels, logits, strict=True)
            if logit >= border
        }

    def probabilities(self, margins: Sequence[float]) -> dict[str, float]:
        """How likely each label is."""
        return dict(zip(self.labels, self.shares(margins), strict=True))

    def shares(self, margins: Sequence[float]) -> list[float]:
        """The same without the labels' names, in their order."""
        logits = self._logits(margins)
        return _softmax(logits) if self.exclusive else [_sigmoid(logit) for logit in logits]

    def _logits(self, margins: Sequence[float]) -> list[float]:
        slope = self.slope
        if not self.offsets:
            return [slope * margin for margin in margins]
        return [
            slope * margin + offset for margin, offset in zip(margins, self.offsets, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Learnt:
    """Weights and heads. `unit` is what one step of a weight stands for; `rows` are by feature."""

    name: str
    heads: tuple[Head, ...]
    unit: float
    rows: Mapping[int, int]
    made_of: str
    """Digest of the texts it was trained on."""
    begun_from: str = ""
    """Digest of the texts of the model that its training began from."""
    _zero: int = field(default=0)

    def margins(self, features: Collection[int]) -> dict[str, list[float]]:
        """For each head its labels' margins: the signed distance to the border, about -1 to 1."""
        total = sum(filter(None, map(self.rows.get, features)), self._zero)
        fields = 1 + sum(len(head.labels) for head in self.heads)
        sums = struct.unpack(f"<{fields}I", total.to_bytes(fields * _BITS // 8, "little"))
        length = math.sqrt((sums[0] - _HALF) * self.unit)
        scale = self.unit / length if length else 0.0
        found: dict[str, list[float]] = {}
        at = 1
        for head in self.heads:
            found[head.name] = [
                (one - _HALF) * scale + bias
                for one, bias in zip(sums[at : at + len(head.labels)], head.biases, strict=True)
            ]
            at += len(head.labels)
        return found

    def head(self, name: str) -> Head | None:
        """The head of that name, where the model has one."""
        for head in self.heads:
            if head.name == name:
                return head
        return None

    def row(self, feature: int) -> list[float]:
        """A feature's square and its weights for all labels of all heads, in order."""
        return [step * self.unit for step in _steps(self, feature)]

    def total(self, features: Iterable[int]) -> int:
        """The rows of some features added up, for `weights`; 0 where none is known."""
        return sum(filter(None, map(self.rows.get, features)))

    def weights(self, totals: Iterable[int], *, head: str, label: str) -> list[float]:
        """What each total of features says for a label, before the text's length counts."""
        shift, zero, unit = self._place(head, label) * _BITS, self._zero, self.unit
        return [unit * (((total + zero) >> shift & _FIELD) - _HALF) for total in totals]

    def _place(self, head: str, label: str) -> int:
        at = 1
        for one in self.heads:
            if one.name == head:
                return at + one.labels.index(label)
            at += len(one.labels)
        raise KeyError(head)


def build(
    *,
    heads: Sequence[Head],
    rows: Mapping[int, Sequence[float]],
    name: str,
    made_of: str,
    begun_from: str = "",
) -> Learnt:
    """A model of `rows`: by feature the square of what it counts for, and a weight for each label of
    each head, in order.
    """
    largest = max((abs(one) for row in rows.values() for one in row), default=1.0)
    unit = max(largest, 1e-9) / _STEPS
    fields = 1 + sum(len(head.labels) for head in heads)
    packed = {
        one: struct.pack(f"<{fields}I", *(_SMALL + round(step / unit) for step in row))
        for one, row in rows.items()
    }
    return _packed(
        name=name,
        heads=heads,
        unit=unit,
        made_of=made_of,
        begun_from=begun_from,
        rows=packed,
    )


def _packed(
    *,
    name: str,
    heads: Sequence[Head],
    unit: float,
    made_of: str,
    begun_from: str,
    rows: Mapping[int, bytes],
) -> Learnt:
    """`rows`: by feature its steps, 32 bits each, `_SMALL` more than they are."""
    ones = sum(1 << (at * _BITS) for at in range(1 + sum(len(head.labels) for head in heads)))
    middle = ones * _SMALL
    packed = {one: int.from_bytes(row, "little") - middle for one, row in rows.items()}
    return Learnt(
        name=name,
        heads=tuple(heads),
        unit=unit,
        rows=packed,
        made_of=made_of,
        begun_from=begun_from,
        _zero=ones * _HALF,
    )


def dump(model: Learnt) -> bytes:
    """A model as data: compressed JSON, the same bytes for the same model."""
    rows = [_steps(model, one) for one in sorted(model.rows)]
    steps = [step for column in zip(*rows, strict=True) for step in column]
    content = {
        "format": FORMAT,
        "name": model.name,
        "made_of": model.made_of,
        "begun_from": model.begun_from,
        "unit": model.unit,
        "heads": [asdict(head) for head in model.heads],
        "features": _text(struct.pack(f"<{len(model.rows)}I", *sorted(model.rows))),
        "weights": _text(struct.pack(f"<{len(steps)}h", *steps)),
    }
    return zlib.compress(json.dumps(content, ensure_ascii=False).encode(), 9)


def load(data: bytes) -> Learnt:
    """The model that `dump` wrote. Raises NotAModel."""
    try:
        unpacker = zlib.decompressobj()
        content = json.loads(unpacker.decompress(data, MAX_BYTES))
        written = content["format"]
        if written == FORMAT:
            return _read(content)
    except (ValueError, KeyError, TypeError, zlib.error, struct.error) as error:
        raise NotAModel(f"it is no model: {error}") from error
    raise NotAModel(f"its format is {written}, this release reads {FORMAT}")


def _read(content: Mapping[str, Any]) -> Learnt:
    heads = [
        Head(**{**one, **{name: tuple(one[name]) for name in ("labels", "biases", "offsets")}})
        for one in content["heads"]
    ]
    fields = 1 + sum(len(head.labels) for head in heads)
    features, steps = _bytes(content["features"]), _bytes(content["weights"])
    wide = _widened(steps, fields)
    size = fields * _BITS // 8
    rows = {
        one: wide[at * size : (at + 1) * size]
        for at, one in enumerate(struct.unpack(f"<{len(features) // 4}I", features))
    }
    return _packed(
        name=content["name"],
        heads=heads,
        unit=float(content["unit"]),
        made_of=content["made_of"],
        begun_from=content["begun_from"],
        rows=rows,
    )


def _widened(columns: bytes, fields: int) -> bytes:
    """Columns of signed steps, 16 bits each, as rows of unsigned ones, 32 bits each and `_SMALL` more.

    No loop of Python's goes over the million of them: a process waits for this at its start.
    """
    mask = int.from_bytes(b"\x00\x80" * (len(columns) // 2), "little")
    halves = array("H", (int.from_bytes(columns, "little") ^ mask).to_bytes(len(columns), "little"))
    if sys.byteorder == "big":
        halves.byteswap()
    count = len(halves) // fields
    rows = array("H", bytes(2 * len(columns)))
    for at in range(fields):
        rows[2 * at :: 2 * fields] = halves[at * count : (at + 1) * count]
    if sys.byteorder == "big":
        rows.byteswap()
    return rows.tobytes()


def _steps(model: Learnt, feature: int) -> list[int]:
    fields = 1 + sum(len(head.labels) for head in model.heads)
    whole = (model.rows[feature] + model._zero).to_bytes(fields * _BITS // 8, "little")  # noqa: SLF001
    return [one - _HALF for one in struct.unpack(f"<{fields}I", whole)]


def _text(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()


def _bytes(text: str) -> bytes:
    return zlib.decompressobj().decompress(base64.b64decode(text), MAX_BYTES)


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-500.0, min(500.0, logit))))


def _softmax(logits: Sequence[float]) -> list[float]:
    most = max(logits, default=0.0)
    shares = [math.exp(logit - most) for logit in logits]
    total = sum(shares)
    return [share / total for share in shares]
