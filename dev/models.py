"""`python -m dev.models`: learn from each shipped pack's examples, and put what was learnt beside them."""

import sys

from rich.console import Console
from rich.progress import Progress

from services.routing.policy.learnt import dump
from services.routing.policy.lessons import examples_of, learn
from services.routing.usecases.models import FILE, shipped
from shared.packs.load import load_folder, shipped_folder
from shared.packs.model import Pack


def main() -> int:
    console = Console()
    with Progress(console=console) as progress:
        for folder in sorted(shipped_folder().iterdir()):
            if not (folder / "pack.yaml").exists():
                continue
            pack = load_folder(shipped_folder(), folder.name)
            if shipped(pack) is None and pack.examples:
                console.print(_learn(pack, progress))
    return 0


def _learn(pack: Pack, progress: Progress) -> str:
    task = progress.add_task(pack.ref)
    model = learn(pack, step=lambda done, every: progress.update(task, completed=done, total=every))
    if model is None:
        return f"{pack.ref}: too little to learn from"
    data = dump(model)
    (shipped_folder() / pack.pack.id / FILE).write_bytes(data)
    return f"{pack.ref}: {model.name}, of {len(examples_of(pack))} texts, {len(data):,} bytes"


if __name__ == "__main__":
    sys.exit(main())
