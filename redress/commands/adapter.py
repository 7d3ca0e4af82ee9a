"""`redress adapter`: for those who write adapters."""

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from redress.commands.options import AsJson, Key, language
from redress.commands.screen import console, print_json
from redress.failure import PROBLEM, NotReachable, WrongUsage

if TYPE_CHECKING:
    from redress.conformance import Result

_MARKS: Final = {"held": "[green]✓[/]", "failed": "[red]✗[/]", "skipped": "[yellow]–[/]"}
_MEDIA_TYPES: Final = {".json": "application/json", ".eml": "message/rfc822"}


def adapter_app() -> typer.Typer:
    """The commands under `redress adapter`."""
    app = typer.Typer(no_args_is_help=True)
    app.callback()(_group)
    app.command("check")(check)
    return app


def _group() -> None:
    """For those who write adapters."""


def check(
    url: Annotated[
        str | None,
        typer.Argument(help="Address of the system; else REDRESS_URL, else first-run.json."),
    ] = None,
    *,
    channel: Annotated[str, typer.Option(help="Whose door is tried.")] = "web",
    payload: Annotated[
        Path | None, typer.Option(help="A payload of yours, .json or .eml; else an example.")
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(help="Where what is made belongs: a unit for tests, which can be purged."),
    ] = None,
    as_json: AsJson = False,
    key: Key = None,
) -> None:
    """Try what an adapter relies on: retries, duplicates, wrong clocks, big and broken payloads.

    It makes complaints: name a unit for tests with --unit. Exit 1 if anything does not hold.
    """
    import httpx

    from redress.client import checked_url, find_address
    from redress.conformance import Probe, run
    from shared.clock import SystemClock

    address = find_address(url, key, os.environ)
    content, media_type = _payload(channel, payload)
    headers = {"Authorization": f"Bearer {address.key}"} if address.key else {}
    client = httpx.Client(base_url=checked_url(address.url), headers=headers, timeout=30.0)
    failed = 0
    with client:
        probe = Probe(client, channel, content, media_type, SystemClock().now(), unit)
        try:
            for result in run(probe):
                failed += result.state == "failed"
                _show(result, as_json=as_json)
        except httpx.TransportError as error:
            raise NotReachable(address.url, str(error) or type(error).__name__) from error
    if failed:
        raise typer.Exit(PROBLEM)


def _payload(channel: str, file: Path | None) -> tuple[bytes, str]:
    """The payload and its media type. Raises WrongUsage."""
    if file is None:
        return _example(channel)
    media_type = _MEDIA_TYPES.get(file.suffix.lower())
    if media_type is None:
        raise WrongUsage(f"{file} must end in {' or '.join(_MEDIA_TYPES)}, for what it is.")
    try:
        content = file.read_bytes()
        document = json.loads(content) if media_type == _MEDIA_TYPES[".json"] else {}
    except OSError as error:
        raise WrongUsage(f"{file} cannot be read: {error.strerror}.") from error
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise WrongUsage(f"{file} holds no JSON object.")
    return content, media_type


def _example(channel: str) -> tuple[bytes, str]:
    """The channel's own example, with an id that nothing had before. Raises WrongUsage."""
    from services.intake.channels.table import TABLE

    known = TABLE.get(channel)
    if known is None or known.read is None:
        doors = ", ".join(one.code for one in TABLE.values() if one.read)
        raise WrongUsage(f"there is no door for the channel {channel!r}: there are {doors}.")
    mark = f"check-{time.time_ns():x}"
    if known.quarantines:
        return _MAIL.format(mark=mark).encode(), _MEDIA_TYPES[".eml"]
    body: dict[str, Any] = dict(known.example)
    for name in (
        "external_id",
        "call_id",
        "register_no",
        "case_number",
        "conversation_id",
        "post_id",
    ):
        if name in body:
            body[name] = mark
    # Another reference each time: else it would be the same matter as the example before.
    if "references" in body:
        body["references"] = {"order": mark}
    return json.dumps(body).encode(), _MEDIA_TYPES[".json"]


_MAIL: Final = (
    "From: Deng Jia <check@example.com>\r\nSubject: Conformance\r\nMessage-ID: <{mark}@example.com>\r\n\r\n"
    "The parcel was signed for, and I never got it ({mark}).\r\n"
)


def _show(result: "Result", *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "check": result.name, "state": result.state, "title": {"zh": result.zh, "en": result.en},
                "detail": {"zh": result.said_zh, "en": result.said_en} if result.said_en else None,
            }
        )  # fmt: skip
        return
    chinese = language() == "zh"
    title, said = (result.zh, result.said_zh) if chinese else (result.en, result.said_en)
    console().print(f"{_MARKS[result.state]} {title}" + (f"\n    {said}" if said else ""))
