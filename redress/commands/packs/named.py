"""The pack that a person names: a folder, one that comes with Redress, or one of the running system."""

from pathlib import Path
from typing import TYPE_CHECKING

from redress.commands.options import connect
from redress.failure import Failure, NotReachable, Problem, WrongUsage

if TYPE_CHECKING:
    from shared.packs.model import Pack

PATH = "/desk/v1/packs"


def named_pack(name: str, *, url: str | None, key: str | None) -> "Pack":
    """The pack that `name` means, resolved. Raises Failure, which tells everything that is wrong with it.

    A folder is read; `P` is the one that comes with Redress; `P@V` is the desk's, or the one that comes with Redress
    where nothing answers.
    """
    from shared.packs.load import load_folder, shipped_folder
    from shared.packs.located import PackInvalid

    try:
        if Path(name).is_dir():
            folder = Path(name).resolve()
            return load_folder(folder.parent, folder.name)
        pack, _, version = name.partition("@")
        if not (shipped_folder() / pack).is_dir() or version:
            return _of_desk(pack, version, url=url, key=key)
        return load_folder(shipped_folder(), pack)
    except PackInvalid as error:
        raise Failure(f"{name} cannot be read:\n{error}") from error


def _of_desk(pack: str, version: str, *, url: str | None, key: str | None) -> "Pack":
    from shared.packs.load import load_folder, shipped_folder
    from shared.packs.wire import WirePack, resolve

    if not version:
        raise WrongUsage(f"{pack!r} is no folder and no pack of Redress: name a folder, or P@V.")
    try:
        with connect(url, key) as client:
            found = client.get(f"{PATH}/{pack}/{version}")
        return resolve([WirePack.model_validate(one) for one in found["chain"]])
    except (NotReachable, WrongUsage, Problem) as error:
        if isinstance(error, Problem) and error.status != 404:  # noqa: PLR2004 - not found
            raise
        if (shipped_folder() / pack).is_dir():
            shipped = load_folder(shipped_folder(), pack)
            if shipped.pack.version == version:
                return shipped
        raise
