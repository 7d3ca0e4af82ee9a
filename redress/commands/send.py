"""`redress send`: one complaint, from arguments or standard input."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from redress.commands.options import AsJson, Key, Url, connect
from redress.commands.screen import console, own_command, print_json
from redress.failure import WrongUsage

if TYPE_CHECKING:
    from redress.client import Answer, Client

PATH = "/intake/v1/complaints"


def send(
    text: Annotated[
        list[str] | None,
        typer.Argument(help="What the customer says; none, or -, reads standard input."),
    ] = None,
    *,
    name: Annotated[str | None, typer.Option(help="The customer's name.")] = None,
    contact: Annotated[
        list[str] | None,
        typer.Option(help="Where to answer: email=li@example.com, phone=+8613800138000, …"),
    ] = None,
    channel: Annotated[str | None, typer.Option(help="How it came, such as phone or web.")] = None,
    unit: Annotated[str | None, typer.Option(help="The part of the business it is for.")] = None,
    subject: Annotated[str | None, typer.Option(help="A subject line.")] = None,
    external_id: Annotated[
        str | None, typer.Option(help="Its id in the system it comes from; sent twice it is one.")
    ] = None,
    reference: Annotated[
        list[str] | None, typer.Option(help="What it is about: order=A123, meter=330011, …")
    ] = None,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Send a complaint and print its number, its code and where to look.

    It is sent under one Idempotency-Key: while the system is away it is tried again, and never
    becomes two complaints.
    """
    complainant = _complainant(name, contact or [])
    references = dict(pair(one, "--reference") for one in reference or [])
    given = {
        "text": read_text(text or []),
        "subject": subject,
        "channel": channel,
        "unit": unit,
        "external_id": external_id,
        "complainant": complainant,
        "references": references,
    }
    body = {field: value for field, value in given.items() if value}
    with connect(url, key) as client:
        taken = post_complaint(client, body)
    if as_json:
        print_json(taken)
        return
    out, again = console(), own_command()
    out.print(f"[green]Taken in.[/] number [bold]{taken['number']}[/]   code {taken['code']}")
    out.print(f"  status  {taken['status_url']}")
    out.print(f"  next    {again} show {taken['number']}")


def post_complaint(client: "Client", body: object) -> "Answer":
    """Post a complaint under a new Idempotency-Key, again while the system is away."""
    from shared.ids import new_id

    def tell(seconds: float, reason: str) -> None:
        console(stderr=True).print(f"[yellow]not taken yet: {reason}; again in {seconds:g} s[/]")

    return client.post_once(PATH, body, key=new_id(), on_wait=tell)


def read_text(words: Sequence[str]) -> str:
    """The text in the arguments, or all of standard input. Raises WrongUsage without any."""
    if words and list(words) != ["-"]:
        text = " ".join(words)
    else:
        if sys.stdin.isatty():
            console(stderr=True).print("[dim]Write what the customer says; end with Ctrl-D.[/]")
        try:
            text = sys.stdin.buffer.read().decode()
        except UnicodeDecodeError as error:
            raise WrongUsage(f"standard input is not UTF-8 (byte {error.start}).") from error
    if not text.strip():
        raise WrongUsage('there is no text: redress send "The parcel has not come"')
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise WrongUsage("the text is not UTF-8: set the terminal to UTF-8.") from error
    return text


def pair(text: str, option: str) -> tuple[str, str]:
    """`name=value` in two. Raises WrongUsage."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise WrongUsage(f"{option} {text!r} is no name=value, as in {option} order=A123.")
    return name, value


def _complainant(name: str | None, contacts: Sequence[str]) -> dict[str, object]:
    pairs = [pair(one, "--contact") for one in contacts]
    given: dict[str, object] = {
        "contacts": [{"type": type_, "value": value} for type_, value in pairs]
    }
    return {field: value for field, value in (given | {"name": name}).items() if value}
