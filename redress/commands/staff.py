"""`redress staff`: teams, handlers, shifts and leaves, as a file or shown."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from redress.commands.options import AsJson, Key, Url, connect, language
from redress.commands.screen import console, day_time, print_json
from redress.failure import PROBLEM, Failure

if TYPE_CHECKING:
    from redress.client import Client

PATH = "/routing/v1"
Unit = Annotated[str | None, typer.Option(help="Of this unit; else of the key's.")]
TEMPLATE = {
    "zh": (
        ("类型", "班组", "班组名称", "主管", "交班起点", "处理人", "技能", "语言", "区域", "容量", "每周工时", "时区", "开始", "结束", "代理人"),
        ("班组", "billing", "账务一组", "supervisor", "critical", "", "bill_check refund", "", "", "", "", "", "", "", ""),
        ("处理人", "billing", "", "", "", "handler", "bill_check refund", "zh en", "", "40", "周一至周五 09:00-12:00 13:00-18:00", "Asia/Shanghai", "", "", ""),
        ("班次", "", "", "", "", "handler", "", "", "", "", "", "Asia/Shanghai", "2026-03-07 09:00", "2026-03-07 17:00", ""),
        ("休假", "", "", "", "", "handler", "", "", "", "", "", "Asia/Shanghai", "2026-03-10", "2026-03-12", ""),
    ),
    "en": (
        ("record", "team", "name_en", "supervisor", "hands_over", "handler", "skills", "languages", "areas", "capacity", "hours", "zone", "starts_at", "ends_at", "substitute"),
        ("team", "billing", "Billing one", "supervisor", "critical", "", "bill_check refund", "", "", "", "", "", "", "", ""),
        ("handler", "billing", "", "", "", "handler", "bill_check refund", "zh en", "", "40", "Mon-Fri 09:00-12:00 13:00-18:00", "Asia/Shanghai", "", "", ""),
        ("shift", "", "", "", "", "handler", "", "", "", "", "", "Asia/Shanghai", "2026-03-07 09:00", "2026-03-07 17:00", ""),
        ("leave", "", "", "", "", "handler", "", "", "", "", "", "Asia/Shanghai", "2026-03-10", "2026-03-12", ""),
    ),
}  # fmt: skip


def staff_app() -> typer.Typer:
    """The commands under `redress staff`."""
    app = typer.Typer(no_args_is_help=True)
    app.command("import")(import_file)
    app.command("list")(list_staff)
    app.command("show")(show)
    app.command("export")(export)
    app.command("template")(template)
    return app


def import_file(
    file: Annotated[Path, typer.Argument(help="CSV (UTF-8 or GB18030) or XLSX; see template.")],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell line by line, change nothing.")
    ] = False,
    unit: Unit = None,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Take over a staff list: all of it, or nothing with each wrong line and field named. Again changes nothing."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise Failure(f"{file}: it cannot be read: {error.strerror}.") from error
    with connect(url, key) as client:
        query = {"unit": unit, "dry_run": "true" if dry_run else None}
        found = client.post_file(f"{PATH}/staff/imports", raw, **query)
    if as_json:
        print_json(found)
    else:
        _print_import(found)
    if found["wrong"]:
        raise typer.Exit(PROBLEM)


def _print_import(found: dict[str, Any]) -> None:
    out, is_zh = console(), language() == "zh"
    for line in found["lines"]:
        for error in line["errors"]:
            said = error["zh"] if is_zh else error["message"]
            out.print(f"[red]line {line['line']}[/]  {escape(error['field'])}: {escape(said)}")
        if found["dry_run"] and not line["errors"]:
            out.print(f"line {line['line']}  {line['action']}")
    counts = f"{found['added']} added, {found['changed']} changed, {found['same']} as they were"
    told = "Would be taken over" if found["dry_run"] else "Taken over"
    out.print(f"{found['wrong']} lines are wrong." if found["wrong"] else f"{told}: {counts}.")


def list_staff(*, as_json: AsJson = False, url: Url = None, key: Key = None) -> None:
    """List handlers with what they can do and how much they have."""
    with connect(url, key) as client:
        found = list(client.pages(f"{PATH}/handlers", limit=200))
    if as_json:
        for one in found:
            print_json(one)
        return
    table = Table("login", "name", "unit", "team", "skills", "there", "load", "capacity")
    for one in found:
        team, skills = one["team"] or "any", " ".join(one["skills"] or ()) or "–"
        there = "yes" if one["present"] else "no"
        shown = (one["login"] or one["id"], one["display"] or "", one["unit"], team, skills if one["team"] else "all", there)  # fmt: skip
        table.add_row(*map(escape, shown), str(one["load"]), str(one["capacity"]))
    console().print(table)


def show(
    handler: Annotated[str, typer.Argument(help="Login or id.")],
    *,
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
) -> None:
    """Show a handler with shifts and leaves."""
    with connect(url, key) as client:
        one = _find(client, handler)
        shifts = list(client.pages(f"{PATH}/shifts", handler=one["id"], limit=200))
        leaves = list(client.pages(f"{PATH}/leaves", handler=one["id"], limit=200))
    if as_json:
        print_json(one | {"shifts": shifts, "leaves": leaves})
        return
    out = console()
    out.print(
        f"[bold]{escape(one['login'] or one['id'])}[/]  {escape(one['display'] or '')}  {one['unit']}"
    )
    for name in ("team", "skills", "languages", "areas", "hours", "zone", "present", "load", "capacity"):  # fmt: skip
        value = one[name]
        text = " ".join(value) if isinstance(value, list) else str(value)
        out.print(f"  {name:<10} {escape('all' if value is None else text)}")
    for shift in shifts:
        out.print(f"  shift      {day_time(shift['starts_at'])} – {day_time(shift['ends_at'])}")
    for leave in leaves:
        by = f"  substitute {leave['substitute']}" if leave["substitute"] else ""
        out.print(f"  leave      {day_time(leave['starts_at'])} – {day_time(leave['ends_at'])}{by}")


def _find(client: "Client", handler: str) -> dict[str, Any]:
    for one in client.pages(f"{PATH}/handlers", limit=200):
        if handler in {one["id"], one["login"]}:
            return one
    raise Failure(f"There is no handler {handler!r}: see `redress staff list`.")


def export(
    file: Annotated[Path | None, typer.Argument(help="Where to; else to standard output.")] = None,
    *,
    unit: Unit = None,
    url: Url = None,
    key: Key = None,
) -> None:
    """Write all staff data as CSV, which `import` takes in again."""
    with connect(url, key) as client:
        text = client.text(f"{PATH}/staff/export", unit=unit)
    _write(text, file)


def template(
    file: Annotated[Path | None, typer.Argument(help="Where to; else to standard output.")] = None,
) -> None:
    """Write a list to fill in, with a line of each kind, in Chinese or English as REDRESS_LANGUAGE says."""
    from shared.sheets import write_csv

    head, *rows = TEMPLATE[language()]
    _write(write_csv(head, rows), file)


def _write(text: str, file: Path | None) -> None:
    if file is None:
        sys.stdout.write(text.removeprefix("\ufeff"))
        return
    try:
        file.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise Failure(f"{file}: it cannot be written: {error.strerror}.") from error
