"""From files to a pack: read, inherit, validate, and say everything that is wrong with file, line
and field.

A folder of packs holds one folder a pack, named for its id, with any number of `*.yaml` files; each
top-level section (`pack`, `taxonomy`, …) stands in one of them. A resolved pack is what `generic`
says, then what each pack down to the wanted one lays over it (`located.merge`).
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shared.packs import model
from shared.packs.check import faults
from shared.packs.located import (
    Located,
    PackError,
    PackInvalid,
    dropped_codes,
    field_name,
    find,
    merge,
    read_yaml,
    to_plain,
    without_examples_of,
)
from shared.packs.model import Head, Pack

MAX_INHERITANCE = 5
_SECTIONS = frozenset(Pack.model_fields)


@dataclass(frozen=True, slots=True)
class PackSource:
    """A pack as it was written, before it inherits anything."""

    head: Head
    data: Located

    @property
    def ref(self) -> str:
        """`id@version`."""
        return self.head.ref


def shipped_folder() -> Path:
    """The folder of the packs that come with Redress."""
    return Path(__file__).resolve().parents[2] / "packs"


def load_folder(path: Path, pack_id: str) -> Pack:
    """The pack `pack_id` of the folder, resolved. Raises PackInvalid with every error found."""
    return resolve_sources(read_chain(path, pack_id))


def read_chain(path: Path, pack_id: str) -> list[PackSource]:
    """The pack and all it inherits, the base first, unresolved. Raises PackInvalid.

    What it inherits is looked for beside it, then among the packs that come with Redress.
    """
    source = read_source(path / pack_id)
    return [*read_parents(source, path), source]


def read_parents(source: PackSource, path: Path) -> list[PackSource]:
    """All that `source` inherits, the base first, from `path` or else from the shipped packs. Raises PackInvalid."""
    chain = [source]
    while wanted := chain[0].head.inherits:
        name, _, version = wanted.partition("@")
        here = path / name if (path / name).is_dir() else shipped_folder() / name
        parent = read_source(here if here.is_dir() else path / name)
        if version and parent.head.version != version:
            message = f"it asks for {wanted}, but the folder holds {parent.ref}"
            advice = "Name the version that is there, or put the other one there."
            raise _wrong_parent(chain[0], message, advice)
        chain.insert(0, parent)
        if len(chain) > MAX_INHERITANCE:
            message = f"{source.head.id} inherits through more than {MAX_INHERITANCE} packs"
            raise _wrong_parent(parent, message, "Look for two packs that inherit each other.")
    return chain[:-1]


def _wrong_parent(source: PackSource, message: str, advice: str) -> PackInvalid:
    place = _place(source.data, ("pack", "inherits"))
    return PackInvalid([PackError(*place, "pack.inherits", message, advice)])


def read_source(folder: Path) -> PackSource:
    """One pack's files, unresolved. Raises PackInvalid."""
    return read_files(folder.name, files_in(folder))


def files_in(folder: Path) -> dict[str, bytes]:
    """The files of a pack by name. Raises PackInvalid where there are none."""
    files = sorted(folder.glob("*.yaml")) + sorted(folder.glob("*.yml"))
    if not files:
        advice = "Make a folder named for the pack, with its YAML files in it."
        raise PackInvalid([PackError(str(folder), 0, "pack", "there is no pack here", advice)])
    return {file.name: file.read_bytes() for file in files}


def read_files(folder: str, files: Mapping[str, bytes]) -> PackSource:
    """A pack of the files of a folder of that name, unresolved. Raises PackInvalid."""
    errors: list[PackError] = []
    sections: dict[str, Located] = {}
    for file, text in files.items():
        name = f"{folder}/{file}"
        content, wrong = read_yaml(text, name=name)
        errors += wrong
        if content is None:
            continue
        if not isinstance(content.value, Mapping):
            errors.append(
                PackError(name, 1, "", "the file holds no sections", "Begin with `taxonomy:` etc.")
            )
            continue
        for section, child in content.value.items():
            errors += _section_errors(section, child, sections)
            sections.setdefault(section, child)
    data = Located(sections, f"{folder}/{next(iter(files))}", 1)
    head = _head(data, errors)
    if head and head.id != folder:
        where, line = _place(data, ("pack", "id"))
        advice = f"Rename the folder or the pack: a folder is named for its pack ({folder})."
        errors.append(PackError(where, line, "pack.id", f"it is {head.id!r}", advice))
    if errors or head is None:
        raise PackInvalid(errors)
    return PackSource(head, data)


def _section_errors(section: str, child: Located, there: Mapping[str, Located]) -> list[PackError]:
    if section not in _SECTIONS:
        return [
            PackError(
                child.file, child.line, section, "there is no such section", _did_you_mean(section)
            )
        ]
    if section in there:
        message = f"the section also stands in {there[section].file}:{there[section].line}"
        return [PackError(child.file, child.line, section, message, "Put it into one file.")]
    return []


def _head(data: Located, errors: list[PackError]) -> Head | None:
    try:
        return Head.model_validate(to_plain(find(data, ("pack",))))
    except ValidationError as error:
        if not (isinstance(data.value, Mapping) and "pack" in data.value):
            if errors:  # it may stand in the file that could not be read
                return None
            advice = "Add `pack:` with id, version, name and in_force_from."
            errors.append(PackError(data.file, data.line, "pack", "it is missing", advice))
            return None
        errors += [_from_pydantic(data, detail, under=("pack",)) for detail in error.errors()]
        return None


def resolve_sources(chain: Sequence[PackSource]) -> Pack:
    """The last pack of `chain` over all before it. Raises PackInvalid."""
    if not chain:
        raise PackInvalid([PackError("", 0, "pack", "there is no pack", "Name at least one.")])
    data = chain[0].data
    for source in chain[1:]:
        data = merge(without_examples_of(dropped_codes(source.data), data), source.data)
    try:
        pack = Pack.model_validate(to_plain(data))
    except ValidationError as error:
        raise PackInvalid([_from_pydantic(data, detail) for detail in error.errors()]) from None
    errors = [
        PackError(*_place(data, fault.path), field_name(data, fault.path), *fault[1:])
        for fault in faults(pack)
    ]
    if errors:
        raise PackInvalid(errors)
    return pack


def check(path: Path) -> list[PackError]:
    """Everything wrong with the packs of a folder (or with the one pack that `path` is); empty when
    all are good.
    """
    if list(path.glob("*.yaml")) or list(path.glob("*.yml")):
        return _check_one(path.parent, path.name)
    folders = sorted(child for child in path.glob("*") if child.is_dir()) if path.is_dir() else []
    folders = [folder for folder in folders if not folder.name.startswith(".")]
    if not folders:
        advice = "Name a folder that holds packs, one folder each."
        return [PackError(str(path), 0, "pack", "there are no packs here", advice)]
    found: dict[PackError, None] = {}
    for folder in folders:
        found |= dict.fromkeys(_check_one(path, folder.name))
    return list(found)


def _check_one(path: Path, pack_id: str) -> list[PackError]:
    try:
        load_folder(path, pack_id)
    except PackInvalid as error:
        return list(error.errors)
    return []


def _place(data: Located, path: Sequence[str | int]) -> tuple[str, int]:
    node = find(data, path)
    return node.file, node.line


def _from_pydantic(
    data: Located, detail: ErrorDetails, *, under: tuple[str, ...] = ()
) -> PackError:
    path = (*under, *(step for step in detail["loc"] if step != "[key]"))
    file, line = _place(data, path)
    field = field_name(data, path)
    message = detail["msg"].removeprefix("Value error, ")
    match detail["type"]:
        case "missing":
            return PackError(file, line, field, "it is missing", f"Add `{path[-1]}:`.")
        case "extra_forbidden":
            known = _siblings(path)
            return PackError(
                file, line, field, "there is no such field", _did_you_mean(str(path[-1]), known)
            )
        case "string_type" | "tuple_type" | "mapping_type" | "model_type" | "dict_type":
            advice = "Check the indentation and what stands under this field."
        case "value_error":
            advice = "Correct the value."
        case _:
            advice = f"It says {_shown(find(data, path))}."
    return PackError(file, line, field, message[:1].lower() + message[1:], advice)


def _shown(node: Located) -> str:
    return repr(node.value) if isinstance(node.value, str) else "something else"


def _siblings(path: Sequence[str | int]) -> frozenset[str]:
    """The fields any part of a pack may have: enough to find a misspelt one."""
    return _SECTIONS if len(path) == 1 else _all_fields()


def _all_fields() -> frozenset[str]:
    models = [part for part in vars(model).values() if hasattr(part, "model_fields")]
    return frozenset(name for part in models for name in part.model_fields)


def _did_you_mean(name: str, known: frozenset[str] = _SECTIONS) -> str:
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"Did you mean `{near[0]}`?" if near else "Remove it or correct its spelling."
