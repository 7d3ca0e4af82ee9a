"""Options that commands share, and how a command reaches the system."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from redress.client import Client

Url = Annotated[
    str | None,
    typer.Option(help="Address of the system; else REDRESS_URL, else from first-run.json."),
]
Key = Annotated[
    str | None,
    typer.Option(help="Key to use; else REDRESS_KEY, else from first-run.json."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Number = Annotated[str, typer.Argument(help="The complaint's number, dddd-dddd-ddd.")]


def connect(url: str | None, key: str | None) -> "Client":
    """A client for the system that the options and the environment name."""
    from redress.client import Client, find_address

    return Client(find_address(url, key, os.environ), language=language())


def language() -> str:
    """`zh` where the environment's language is Chinese, else `en`."""
    for name in ("REDRESS_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def checked_number(text: str) -> str:
    """The number as the system writes it; dashes may be left out. Raises WrongUsage."""
    from redress.failure import WrongUsage
    from shared.ids import is_number

    digits = "".join(character for character in text if character.isdigit())
    number = f"{digits[:4]}-{digits[4:8]}-{digits[8:]}"
    if not is_number(number):
        raise WrongUsage(
            f"{text!r} is no number of a complaint: it has eleven digits, as in 1234-5678-903; "
            "the last one checks the others, so look for a typing slip."
        )
    return number
