"""Which learnt model reads a pack's texts in this process."""

from functools import lru_cache
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from services.routing.policy.learnt import Learnt, NotAModel, load
from services.routing.policy.lessons import fits
from services.routing.store import learning
from shared.packs.load import shipped_folder
from shared.packs.model import Pack
from shared.store.transaction import Tx
from shared.telemetry import logger

FILE: Final = "learnt.model"
"""What was learnt of a shipped pack's examples lies beside them."""
COMMON: Final = "generic/common.model"
"""What was learnt of all shipped packs' examples lies beside the one that all inherit: where learning begins."""

log = logger("models")


class Models:
    """Models by pack version: what was put in force, else what came with the pack, else none."""

    def __init__(self) -> None:
        self._put: dict[tuple[str, str], Learnt] = {}
        self._names: dict[tuple[str, str], str] | None = None
        self._made: dict[tuple[str, str], Learnt] = {}

    async def of(self, tx: Tx, pack: Pack) -> Learnt | None:
        """The model that reads this pack's texts."""
        if self._names is None:
            await self.refresh(tx.connection)
        return self.known(pack)

    def known(self, pack: Pack) -> Learnt | None:
        """The same, as far as this process has looked."""
        key = (pack.pack.id, pack.pack.version)
        return self._put.get(key) or self._made.get(key) or pack.derived(shipped)

    async def refresh(self, connection: AsyncConnection) -> None:
        """Follow what was put in force, by whichever replica."""
        names = await learning.in_force(connection)
        for (pack, version), name in names.items():
            at = self._put.get((pack, version))
            if at is not None and at.name == name:
                continue
            data = await learning.model_data(connection, pack=pack, version=version, name=name)
            if data is not None:
                self._follow(pack, version, data)
        self._names = names

    def _follow(self, pack: str, version: str, data: bytes) -> None:
        try:
            self._put[pack, version] = load(data)
        except NotAModel as error:  # of another release: what came with the pack reads until then
            log.error("a model cannot be read", pack=pack, version=version, error=str(error))

    def add_first(self, pack: Pack, model: Learnt) -> None:
        """A pack that came without a model has one now, until another is put in force."""
        self._made[pack.pack.id, pack.pack.version] = model


def common() -> Learnt | None:
    """What all shipped packs have in common; None where it is missing."""
    file = shipped_folder() / COMMON
    try:
        return _loaded(file, file.stat().st_mtime_ns)
    except (FileNotFoundError, NotAModel) as error:
        log.error("the common model cannot be read", file=file.name, error=str(error))
        return None


def shipped(pack: Pack) -> Learnt | None:
    """What was learnt of a shipped pack; None where there is nothing, or the pack has changed since."""
    file = shipped_folder() / pack.pack.id / FILE
    try:
        model = _loaded(file, file.stat().st_mtime_ns)
    except FileNotFoundError:
        return None
    except NotAModel as error:
        log.error("a shipped model cannot be read", file=file.name, error=str(error))
        return None
    return model if fits(model, pack) else None


@lru_cache(maxsize=32)
def _loaded(file: Path, _changed: int) -> Learnt:
    return load(file.read_bytes())
