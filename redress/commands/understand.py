"""`redress understand`: how a text would be read, with what speaks for it marked in the text."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from redress.commands.options import AsJson, Key, Url, connect, language
from redress.commands.screen import console, print_json
from redress.commands.send import pair, read_text

PATH = "/routing/v1/understand"
_MARKS = {"cue": "bold red", "category": "bold green", "learnt": "cyan"}


def understand(
    text: Annotated[
        list[str] | None,
        typer.Argument(help="What the customer says; none, or -, reads standard input."),
    ] = None,
    *,
    unit: Annotated[str | None, typer.Option(help="By whose pack; else that of the key.")] = None,
    pack: Annotated[
        str | None, typer.Option(help="By this pack, in force or not: power, power@1.0.")
    ] = None,
    channel: Annotated[str | None, typer.Option(help="How it came, such as phone or web.")] = None,
    reference: Annotated[
        list[str] | None, typer.Option(help="What it is about: product=WM-700, …")
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Tell how a text would be understood, and why. Nothing is stored."""
    said = read_text(text or [])
    body = {
        "text": said,
        "unit": unit,
        "pack": pack,
        "channel": channel,
        "references": dict(pair(one, "--reference") for one in reference or []),
    }
    with connect(url, key) as client:
        found = client.post(PATH, {name: value for name, value in body.items() if value})
    if as_json:
        print_json(found)
        return
    _show(said.strip(), found)


def _show(text: str, found: Mapping[str, Any]) -> None:
    out, tongue = console(), language()
    kind, severity = found["kind"], found["severity"]
    unsure = "  [yellow]unsure: a person looks[/]" if found["unsure"] else ""
    out.print(_marked(text, found))
    out.print(
        f"\n[bold]{kind['value']}[/] {kind['score']:.2f} · [bold]{severity['value']}[/] · "
        f"{found['urgency']} · team {found['team']}{unsure}"
    )
    for one in found["categories"]:
        words = ", ".join(dict.fromkeys(each["word"] for each in one["evidence"]))
        out.print(f"  {one['score']:.2f}  {one['code']:<10} [dim]{words}[/]")
    out.print(
        f"scope {found['scope']} · mood {found['emotion']} · wants {', '.join(found['wants']) or '–'} · "
        f"{found['language']}"
    )
    for reason in found["reasons"]:
        out.print(f"  [dim]–[/] {reason[tongue]}")
    out.print(f"[dim]{found['pack']}@{found['pack_version']}, {found['model']}[/]")


def _marked(text: str, found: Mapping[str, Any]) -> Text:
    shown = Text(text)
    for start, end, mark in _places(found):
        shown.stylize(_MARKS[mark], start, end)
    return shown


def _places(found: Mapping[str, Any]) -> Iterator[tuple[int, int, str]]:
    """Where the text speaks for its category and its cues; cues last, so that they are seen."""
    yield from _of("category", found["categories"][0]["evidence"])
    for cue in found["severity"]["cues"]:
        yield from _of("cue", cue["evidence"])


def _of(mark: str, evidence: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, int, str]]:
    for one in evidence:
        if one["place"] == "text":
            by_learnt = one["by"] == "learnt" and mark != "cue"
            yield one["start"], one["end"], "learnt" if by_learnt else mark
