"""A learnt model: sparse linear weights over hashed features, as data; no library of numbers needed.

Each feature has one whole number in which the weights for all labels stand side by side, 32 bits
each. Adding the numbers of a text's features adds all labels at once.
"""

import base64
import json
import math
import struct
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

FORMAT: Final = 1
"""Of the data and of the features: another one when either changes, so that old models are made anew."""
_BITS: Final = 32
_HALF: Final = 1 << (_BITS - 1)
_FIELD: Final = (1 << _BITS) - 1
_SMALL: Final = 1 << 15
MAX_BYTES: Final = 64_000_000


class NotAModel(ValueError):
    """Data that is no model of this format; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Head:
    """One question to a text, and how its margins become probabilities.

    `exclusive`: the labels exclude each other (softmax), else each is a yes or no of its own. A
    label's logit is `slope` x margin + `evidence` x what the pack's words count for + its offset.
    """

    name: str
    labels: tuple[str, ...]
    biases: tuple[float, ...]
    exclusive: bool = True
    slope: float = 1.0
    evidence: float = 0.0
    offset: float = 0.0

    def likely(self, margins: Sequence[float], least: float) -> dict[str, float]:
        """The labels of their own that are at least so likely by their margins alone."""
        border = (math.log(least / (1 - least)) - self.offset) / self.slope
        return {
            label: _sigmoid(self.slope * margin + self.offset)
            for label, margin in zip(self.labels, margins, strict=True)
            if margin >= border
        }

    def probabilities(
        self, margins: Sequence[float], points: Mapping[str, float] | None = None
    ) -> dict[str, float]:
        """How likely each label is. `points`: what the words count for, by label."""
        logits = [self.slope * margin + self.offset for margin in margins]
        if points:
            logits = [
                logit + self.evidence * points.get(label, 0.0)
                for logit, label in zip(logits, self.labels, strict=True)
            ]
        shares = _softmax(logits) if self.exclusive else [_sigmoid(logit) for logit in logits]
        return dict(zip(self.labels, shares, strict=True))


@dataclass(frozen=True, slots=True)
class Learnt:
    """Weights and heads. `unit` is what one step of a weight stands for; `rows` are by feature."""

    name: str
    heads: tuple[Head, ...]
    unit: float
    rows: Mapping[int, int]
    made_of: str
    """Digest of the texts it was trained on."""
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

    def weights(
        self, groups: Iterable[Collection[int]], *, head: str, label: str
    ) -> Iterator[float]:
        """What each group of features says for a label, before the text's length counts."""
        shift, get = self._place(head, label) * _BITS, self.rows.get
        for group in groups:
            total = sum(filter(None, map(get, group)))
            yield self.unit * (((total + self._zero) >> shift & _FIELD) - _HALF) if total else 0.0

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
    weights: Mapping[int, Sequence[float]],
    squares: Mapping[int, float],
    name: str,
    made_of: str,
) -> Learnt:
    """A model of `weights` (by feature, a number for each label of each head, in order) and the
    `squares` of what each feature counts for.
    """
    largest = max((abs(one) for row in weights.values() for one in row), default=1.0)
    largest = max(largest, max(squares.values(), default=1.0), 1e-9)
    unit = largest / (_SMALL - 1)
    return _packed(
        name=name,
        heads=heads,
        unit=unit,
        made_of=made_of,
        rows={
            one: [round(squares[one] / unit), *(round(weight / unit) for weight in row)]
            for one, row in weights.items()
        },
    )


def _packed(
    *,
    name: str,
    heads: Sequence[Head],
    unit: float,
    made_of: str,
    rows: Mapping[int, Sequence[int]],
) -> Learnt:
    fields = 1 + sum(len(head.labels) for head in heads)
    ones = sum(1 << (at * _BITS) for at in range(fields))
    middle = ones * _SMALL
    packed = {
        one: int.from_bytes(struct.pack(f"<{fields}I", *(_SMALL + step for step in row)), "little")
        - middle
        for one, row in rows.items()
    }
    return Learnt(
        name=name, heads=tuple(heads), unit=unit, rows=packed, made_of=made_of, _zero=ones * _HALF
    )


def dump(model: Learnt) -> bytes:
    """A model as data: compressed JSON, the same bytes for the same model."""
    steps = [step for one in sorted(model.rows) for step in _steps(model, one)]
    content = {
        "format": FORMAT,
        "name": model.name,
        "made_of": model.made_of,
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
        Head(**{**one, "labels": tuple(one["labels"]), "biases": tuple(one["biases"])})
        for one in content["heads"]
    ]
    fields = 1 + sum(len(head.labels) for head in heads)
    features, steps = _bytes(content["features"]), _bytes(content["weights"])
    count = len(features) // 4
    flat = struct.unpack(f"<{count * fields}h", steps)
    rows = {
        one: flat[at * fields : (at + 1) * fields]
        for at, one in enumerate(struct.unpack(f"<{count}I", features))
    }
    return _packed(
        name=content["name"],
        heads=heads,
        unit=float(content["unit"]),
        made_of=content["made_of"],
        rows=rows,
    )


def _steps(model: Learnt, feature: int) -> list[int]:
    fields = 1 + sum(len(head.labels) for head in model.heads)
    whole = (model.rows[feature] + model._zero).to_bytes(fields * _BITS // 8, "little")  # noqa: SLF001
    return [one - _HALF for one in struct.unpack(f"<{fields}I", whole)]


def _text(data: bytes) -> str:
    return base64.b85encode(zlib.compress(data, 9)).decode()


def _bytes(text: str) -> bytes:
    return zlib.decompressobj().decompress(base64.b85decode(text), MAX_BYTES)


def _sigmoid(logit: float) -> float:
    return 1 / (1 + math.exp(-max(-500.0, min(500.0, logit))))


def _softmax(logits: Sequence[float]) -> list[float]:
    most = max(logits, default=0.0)
    shares = [math.exp(logit - most) for logit in logits]
    total = sum(shares)
    return [share / total for share in shares]
