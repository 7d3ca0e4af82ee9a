"""`redress packs diff`: what another version changes, for people."""

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from redress.commands.options import AsJson, Key, Url, language
from redress.commands.packs.named import named_pack
from redress.commands.screen import console, print_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from shared.packs.diff import Difference

SHOWN_CHARACTERS = 80
_MARKS = {"added": "[green]+[/]", "removed": "[red]-[/]", "changed": "[yellow]~[/]"}


def diff(
    old: Annotated[str, typer.Argument(metavar="A", help="A folder, or P@V.")],
    new: Annotated[str, typer.Argument(metavar="B", help="A folder, or P@V.")],
    *,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Tell what differs between two packs, with all that they inherit. Exit 0 whether or not something does."""
    from shared.packs.diff import differences

    before, after = (named_pack(one, url=url, key=key) for one in (old, new))
    found = list(differences(before, after))
    if as_json:
        for one in found:
            print_json(one._asdict())
        return
    out = console()
    out.print(f"[bold]{escape(before.ref)} → {escape(after.ref)}[/]")
    _show(out, found)


def _show(out: "Console", found: "Sequence[Difference]") -> None:
    from shared.packs.diff import SUBJECTS

    if not found:
        out.print("相同。" if language() == "zh" else "They say the same.")
    subject = ""
    for one in found:
        if one.subject != subject:
            subject = one.subject
            zh, en = SUBJECTS[subject]
            out.print(f"\n[bold]{zh if language() == 'zh' else en}[/]")
        out.print(f"  {_MARKS[one.what]} {_line(one)}")


def _line(one: "Difference") -> str:
    at = escape(".".join(part for part in (one.item, one.field) if part))
    if one.what != "changed":
        return f"[bold]{at}[/] {_shown(_name(one.old or one.new))}"
    if one.subject == "examples":
        return f"[bold]{at}[/]  [red]-{one.old}[/] [green]+{one.new}[/]"
    if isinstance(one.old, list) and isinstance(one.new, list):
        parts = [f"[red]-[/] {_shown(one.old)}"] * bool(one.old)
        parts += [f"[green]+[/] {_shown(one.new)}"] * bool(one.new)
        return f"[bold]{at}[/]  {'  '.join(parts)}"
    return f"[bold]{at}[/]  [red]{_shown(one.old)}[/] → [green]{_shown(one.new)}[/]"


def _name(item: Any) -> Any:  # noqa: ANN401 - JSON
    """What an item is called, in the reader's language."""
    for field in ("name", "title", "ask", "reason", "rule"):
        found = item.get(field) if isinstance(item, dict) else None
        if isinstance(found, dict):
            return found[language()]
        if isinstance(found, str) and field == "title":
            return found
    return ""


def _shown(value: Any) -> str:  # noqa: ANN401 - JSON
    if value is None:
        return "-"
    if isinstance(value, list):
        value = ", ".join(str(one) for one in value)
    text = " ".join(str(value).split())
    is_long = len(text) > SHOWN_CHARACTERS
    return escape(f"{text[:SHOWN_CHARACTERS]}…" if is_long else text)
