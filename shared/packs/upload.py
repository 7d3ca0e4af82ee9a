"""A pack as it is sent: its files, laid over packs that are known here or come with Redress."""

from collections.abc import Mapping

from shared.packs.load import (
    MAX_INHERITANCE,
    PackSource,
    read_files,
    read_source,
    resolve_sources,
    shipped_folder,
)
from shared.packs.located import PackError, PackInvalid
from shared.packs.wire import WirePack, chain_of, from_wire, latest_first, to_wire, version_key


def read_upload(
    folder: str, files: Mapping[str, str], known: Mapping[str, WirePack]
) -> list[WirePack]:
    """A pack's files, and all it inherits, the base first; what is not known of that comes with Redress.

    Raises PackInvalid with everything that is wrong, by file, line and field.
    """
    source = read_files(folder, {name: text.encode() for name, text in sorted(files.items())})
    parents = _parents(source, known)
    resolve_sources([*map(from_wire, parents), source])
    return [*parents, to_wire(source, parent=from_wire(parents[-1]) if parents else None)]


def _parents(source: PackSource, known: Mapping[str, WirePack], depth: int = 1) -> list[WirePack]:
    wanted = source.head.inherits
    if wanted is None:
        return []
    if depth > MAX_INHERITANCE:
        raise _at_inherits(source, "it inherits through too many packs", "Lay it over another.")
    name, _, version = wanted.partition("@")
    shipped = _shipped(name)
    refs = [wanted] if version else latest_first(known, name)[:1]
    if shipped and not version and (not refs or version_key(shipped.ref) > version_key(refs[0])):
        refs = [shipped.ref]
    if refs and refs[0] in known:
        return chain_of(refs[0], known) or []
    if shipped is None or refs != [shipped.ref]:
        raise _at_inherits(source, f"there is no pack {wanted} here", "Add it first.")
    parents = _parents(shipped, known, depth + 1)
    return [*parents, to_wire(shipped, parent=from_wire(parents[-1]) if parents else None)]


def _shipped(name: str) -> PackSource | None:
    folder = shipped_folder() / name
    return read_source(folder) if folder.is_dir() else None


def _at_inherits(source: PackSource, message: str, advice: str) -> PackInvalid:
    head = source.data.value
    at = head["pack"] if isinstance(head, Mapping) else source.data
    return PackInvalid([PackError(at.file, at.line, "pack.inherits", message, advice)])
