"""`redress train` and `redress evaluate`: a company's own labels, learnt from a file of texts."""

import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from redress.commands.options import AsJson
from redress.commands.screen import console, print_json
from redress.failure import Failure, WrongUsage
from redress.labelled import LabelledText, read_labelled

if TYPE_CHECKING:
    from services.routing.policy.figures import Answer
    from services.routing.policy.learnt import Learnt

HEAD = "label"
MOST_CONFUSED = 15
Text = Annotated[str, typer.Option("--text", help="The column that holds the text.")]
Label = Annotated[str, typer.Option("--label", help="The column that holds the label.")]


def train(
    file: Annotated[Path, typer.Argument(help="CSV (.csv) or JSON Lines: text and label.")],
    *,
    out: Annotated[
        Path | None, typer.Option(help="Where the model goes; else beside the file, as .model.")
    ] = None,
    text: Text = "text",
    label: Label = "label",
    aside: Annotated[
        float, typer.Option(help="Keep this share of the texts aside, and evaluate on them.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Which texts are kept aside.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Learn labels from texts and write what was learnt into a model file."""
    from services.routing.policy.learnt import dump

    if not 0 <= aside < 1:
        raise WrongUsage(f"--aside {aside:g} is no share: give 0 or more, and less than 1.")
    texts = read_labelled(file, text=text, label=label)
    kept, others = _split(texts, aside, seed)
    begun = time.monotonic()
    model = _learn(kept, name=file.stem)
    seconds = time.monotonic() - begun
    target = out or file.with_suffix(".model")
    target.write_bytes(dump(model))
    said = {"model": str(target), "texts": len(kept), "labels": len(model.heads[0].labels)}
    if as_json:
        print_json(said | {"seconds": round(seconds, 1)})
    else:
        console().print(
            f"[green]Learnt[/] {said['labels']} labels of {len(kept):,} texts in {seconds:.1f} s: {target}"
        )
    if others:
        _report(_answers(model, others), as_json=as_json)


def evaluate(
    file: Annotated[Path, typer.Argument(help="CSV (.csv) or JSON Lines: text and true label.")],
    *,
    model: Annotated[
        Path | None, typer.Option(help="The model; else the .model beside the file.")
    ] = None,
    text: Text = "text",
    label: Label = "label",
    as_json: AsJson = False,
) -> None:
    """Tell how right a model is: accuracy, macro-F1, confusion, precision at the share it answers."""
    learnt = _read_model(model or file.with_suffix(".model"))
    texts = read_labelled(file, text=text, label=label)
    _report(_answers(learnt, texts), as_json=as_json)


def _split(
    texts: Sequence[LabelledText], share: float, seed: int
) -> tuple[list[LabelledText], list[LabelledText]]:
    order = list(texts)
    random.Random(seed).shuffle(order)  # noqa: S311 - repeatable, no secret
    cut = len(order) - round(share * len(order))
    kept, others = order[:cut], order[cut:]
    if len({one.label for one in kept}) < 2:  # noqa: PLR2004 - nothing to tell apart
        raise WrongUsage(f"--aside {share:g} leaves less than two labels to learn.")
    return kept, others


def _learn(texts: Sequence[LabelledText], *, name: str) -> "Learnt":
    from services.routing.policy.train import Labelled, Question
    from services.routing.policy.train import train as train_model

    labels = tuple(sorted({one.label for one in texts}))
    lessons = [Labelled(one.text, {HEAD: frozenset((one.label,))}) for one in texts]
    columns = (TextColumn("learning"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(stderr=True), transient=True) as progress:
        task = progress.add_task("learning", total=None)
        return train_model(
            lessons,
            questions=[Question(HEAD, labels)],
            name=name,
            step=lambda done, every: progress.update(task, completed=done, total=every),
        )


def _read_model(path: Path) -> "Learnt":
    from services.routing.policy.learnt import NotAModel, load

    try:
        model = load(path.read_bytes())
    except FileNotFoundError:
        raise Failure(f"{path}: there is no such model: make it with `redress train`.") from None
    except NotAModel as error:
        raise Failure(f"{path}: {error}") from error
    if model.head(HEAD) is None:
        raise Failure(f"{path}: this model answers other questions: make one with `redress train`.")
    return model


def _answers(model: "Learnt", texts: Sequence[LabelledText]) -> "list[Answer]":
    from services.routing.policy.features import features
    from services.routing.policy.figures import Answer
    from services.routing.policy.plain import normalised

    [head] = model.heads
    found = []
    for one in texts:
        likely = head.probabilities(model.margins(features(normalised(one.text)))[HEAD])
        best = max(likely, key=likely.__getitem__)
        found.append(Answer(one.label, best, likely[best]))
    return found


def _report(answers: "Sequence[Answer]", *, as_json: bool) -> None:
    from services.routing.policy.figures import (
        SHARES,
        accuracy,
        confusion,
        macro_f1,
        precision_at,
    )

    shares = [(share, *precision_at(answers, share)) for share in SHARES]
    wrong = confusion(answers)
    if as_json:
        print_json(
            {
                "texts": len(answers),
                "accuracy": round(accuracy(answers), 4),
                "macro_f1": round(macro_f1(answers), 4),
                "answered": [
                    {"share": share, "from": round(sure, 3), "precision": round(right, 4)}
                    for share, sure, right in shares
                ],
                "confusion": [
                    {"true": true, "found": found, "count": n} for true, found, n in wrong
                ],
            }
        )
        return
    out = console()
    out.print(
        f"{len(answers):,} texts   accuracy [bold]{accuracy(answers):.3f}[/]   "
        f"macro-F1 [bold]{macro_f1(answers):.3f}[/]"
    )
    table = Table("answers the surest", "from", "right of those")
    for share, sure, right in shares:
        table.add_row(f"{share:.0%}", f"{sure:.2f}", f"{right:.3f}")
    out.print(table)
    if wrong:
        table = Table("true", "taken for", "times")
        for true, found, count in wrong[:MOST_CONFUSED]:
            table.add_row(true, found, str(count))
        out.print(table)
