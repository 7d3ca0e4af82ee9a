"""How a pack travels on `redress.policy`: unresolved, compressed, named `id@version`, never
replaced.

`resolve` needs the whole chain of what it inherits; every version on the wire names the exact
version of its parent.
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.packs.load import PackSource, resolve_sources
from shared.packs.located import Located, PackError, PackInvalid, Plain, from_plain, to_plain
from shared.packs.model import Head, Pack

MAX_BYTES = 200_000
"""The most a pack may take on the wire, compressed and encoded."""
MAX_PLAIN_BYTES = 8_000_000
"""The most it may take when unpacked: a small message must not fill the memory."""


class WirePack(BaseModel):
    """One version of one pack.

    `inherits` is `id@version` or nothing; `body` is base64 of zlib of canonical JSON.
    """

    model_config = ConfigDict(frozen=True)

    ref: str
    inherits: str | None = None
    body: str


def to_wire(source: PackSource, *, parent: PackSource | None = None) -> WirePack:
    """Pack `source` for the wire, pinned to the version of `parent`.

    Raises PackInvalid when it is too large.
    """
    inherits = parent.ref if parent else None
    data = _pinned(source.data, inherits)
    text = json.dumps(to_plain(data), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    body = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    if len(body) > MAX_BYTES:
        raise _invalid(
            source.ref,
            f"it takes {len(body)} bytes packed; the most is {MAX_BYTES}",
            "Shorten keyword lists or split the pack.",
        )
    return WirePack(ref=source.ref, inherits=inherits, body=body)


def chain_to_wire(chain: Sequence[PackSource]) -> list[WirePack]:
    """A whole chain, the base first."""
    parents = [None, *chain[:-1]]
    return [to_wire(source, parent=parent) for source, parent in zip(chain, parents, strict=True)]


def from_wire(wire: WirePack) -> PackSource:
    """Unpack and check that it is what it says it is. Raises PackInvalid."""
    data = from_plain(_unpacked(wire), file=wire.ref)
    head_part = data.value.get("pack") if isinstance(data.value, Mapping) else None
    try:
        head = Head.model_validate(to_plain(head_part) if head_part else None)
    except ValidationError as error:
        raise _invalid(wire.ref, f"its head is wrong: {error.errors()[0]['msg']}", _AGAIN) from None
    if head.ref != wire.ref or head.inherits != wire.inherits:
        raise _invalid(wire.ref, f"inside it is {head.ref} inheriting {head.inherits}", _AGAIN)
    return PackSource(head, data)


def resolve(chain: Sequence[WirePack]) -> Pack:
    """The last pack of `chain`, over those it inherits, the base first. Raises PackInvalid.

    Versions never change, so that what was read half a second long is not read again.
    """
    return _resolved(tuple(chain))


@lru_cache(maxsize=16)
def _resolved(chain: tuple[WirePack, ...]) -> Pack:
    for child, parent in zip(chain[1:], chain, strict=False):
        if child.inherits != parent.ref:
            raise _invalid(
                child.ref, f"it inherits {child.inherits}, not {parent.ref}", "Give its own chain."
            )
    if chain and chain[0].inherits:
        raise _invalid(
            chain[0].ref, f"{chain[0].inherits}, which it inherits, is not here", "Send it first."
        )
    return resolve_sources([from_wire(wire) for wire in chain])


def chain_of(ref: str, known: Mapping[str, WirePack]) -> list[WirePack] | None:
    """`ref` and all it inherits out of `known`, the base first; None while one of them is not here
    yet.
    """
    chain: list[WirePack] = []
    wanted: str | None = ref
    while wanted:
        wire = known.get(wanted)
        if wire is None or wire in chain:
            return None
        chain.insert(0, wire)
        wanted = wire.inherits
    return chain


def latest_first(packs: Mapping[str, WirePack], pack: str) -> list[str]:
    """The versions of a pack that arrived, `P@V`, the newest first."""
    found = [ref for ref in packs if ref.partition("@")[0] == pack]
    return sorted(found, key=version_key, reverse=True)


def version_key(ref: str) -> list[int]:
    """How `P@V` or `V` sorts among versions: `1.10` after `1.9`."""
    return [int(part) for part in ref.rpartition("@")[2].split(".")]


_AGAIN = "Pack it again with `redress packs`."


def _pinned(data: Located, inherits: str | None) -> Located:
    if not isinstance(data.value, Mapping) or not isinstance(data.value["pack"].value, Mapping):
        raise TypeError("a pack source is a mapping with a head")
    head = dict(data.value["pack"].value)
    head["inherits"] = Located(inherits, data.file, data.line)
    return Located({**data.value, "pack": Located(head, data.file, data.line)}, data.file, 0)


def _unpacked(wire: WirePack) -> Plain:
    if len(wire.body) > MAX_BYTES:
        raise _invalid(wire.ref, f"{len(wire.body)} bytes are more than {MAX_BYTES}", _AGAIN)
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(base64.b64decode(wire.body, validate=True), MAX_PLAIN_BYTES)
        data: Plain = json.loads(text) if unpacker.eof else None
    except (ValueError, zlib.error, RecursionError) as error:
        raise _invalid(wire.ref, f"it cannot be unpacked: {error}", _AGAIN) from error
    if not unpacker.eof:
        message = f"it is cut short or larger than {MAX_PLAIN_BYTES} bytes unpacked"
        raise _invalid(wire.ref, message, _AGAIN)
    return data


def _invalid(ref: str, message: str, advice: str) -> PackInvalid:
    return PackInvalid([PackError(ref, 0, "pack", message, advice)])
