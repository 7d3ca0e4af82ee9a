"""`python -m dev.models`: learn from the shipped packs' examples, and put what was learnt beside them."""

import sys
from collections.abc import Callable

from rich.console import Console
from rich.progress import Progress

from services.routing.policy.learnt import Learnt, dump
from services.routing.policy.lessons import examples_of, fits_all, learn, learn_common
from services.routing.usecases.models import COMMON, FILE, common, shipped
from shared.packs.load import load_folder, shipped_folder
from shared.packs.model import Pack

BASE = "generic"


def main() -> int:
    packs = shipped_packs()
    with Progress(console=Console()) as progress:
        basis = common()
        if basis is None or not fits_all(basis, packs):
            basis = learn_common(packs, step=_step(progress, COMMON))
            _write(progress, basis, COMMON)
        for pack in packs:
            model = shipped(pack)
            if model is not None and model.begun_from == basis.made_of:
                continue
            made = learn(pack, common=basis, step=_step(progress, pack.ref))
            if made is not None:
                _write(progress, made, f"{pack.pack.id}/{FILE}")
    return 0


def shipped_packs() -> list[Pack]:
    """All packs that come with Redress and have examples, the one that all inherit first."""
    names = sorted(one.parent.name for one in shipped_folder().glob("*/pack.yaml"))
    packs = [load_folder(shipped_folder(), name) for name in names]
    return sorted((one for one in packs if examples_of(one)), key=lambda one: one.pack.id != BASE)


def _step(progress: Progress, name: str) -> Callable[[int, int], None]:
    task = progress.add_task(name)
    return lambda done, every: progress.update(task, completed=done, total=every)


def _write(progress: Progress, model: Learnt, name: str) -> None:
    data = dump(model)
    (shipped_folder() / name).write_bytes(data)
    progress.console.print(
        f"{name}: {model.name}, {len(model.rows):,} features, {len(data):,} bytes"
    )


if __name__ == "__main__":
    sys.exit(main())
