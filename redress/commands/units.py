"""`redress unit`: the parts of the business."""

from typing import Annotated

import typer
from rich.tree import Tree

from redress.commands.options import AsJson, Key, Url, connect
from redress.commands.screen import console, print_json

PATH = "/desk/v1/units"


def units_app() -> typer.Typer:
    """The commands under `redress unit`."""
    app = typer.Typer(no_args_is_help=True)
    app.command("create")(create)
    app.command("list")(list_units)
    return app


def create(
    id_: Annotated[str, typer.Argument(metavar="ID", help="Small letters, digits and dashes.")],
    *,
    title_zh: Annotated[str, typer.Option(help="Its name in Chinese.")],
    title_en: Annotated[
        str | None, typer.Option(help="Its name in English; else the other.")
    ] = None,
    parent: Annotated[
        str | None, typer.Option(help="The unit it belongs to; else the root.")
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Add a part of the business below another. Rights reach downwards, figures roll up."""
    given = {"id": id_, "title_zh": title_zh, "title_en": title_en, "parent": parent}
    with connect(url, key) as client:
        one = client.post(PATH, {name: value for name, value in given.items() if value})
    if as_json:
        print_json(one)
    else:
        console().print(f"[bold]{one['id']}[/] ({one['title_zh']}) is below {one['parent']}.")


def list_units(*, as_json: AsJson = False, url: Url = None, key: Key = None) -> None:
    """List units as the tree they are."""
    with connect(url, key) as client:
        found = list(client.pages(PATH, limit=200))
    if as_json:
        for one in found:
            print_json(one)
        return
    trees: dict[str, Tree] = {one["id"]: Tree(_title(one)) for one in found}
    for one in found:
        if one["parent"] in trees:
            trees[one["parent"]].children.append(trees[one["id"]])
    for one in found:
        if one["parent"] not in trees:
            console().print(trees[one["id"]])


def _title(one: dict[str, str]) -> str:
    return f"[bold]{one['id']}[/]  {one['title_zh']} · {one['title_en']}"
