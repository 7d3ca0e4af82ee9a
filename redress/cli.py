"""The command `redress`. Exit codes: 0 fine, 1 a problem found, 2 wrong usage, 3 not reachable."""

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import typer

from redress import __version__
from redress.failure import Failure

HELP: Final = """Complaints from every channel, each with an owner and a deadline, until the customer agrees.

They find the running system by --url and --key, else REDRESS_URL and REDRESS_KEY,
else first-run.json in $REDRESS_DATA (./data).

Exit codes: 0 fine, 1 a problem found, 2 wrong usage, 3 not reachable.
"""
RUN, WORK, LOOK_AFTER = "Run it", "Work with it", "Look after it"


class Entry(NamedTuple):
    """A command: its module is imported only when it is called, so that help comes at once."""

    name: str
    panel: str
    help: str
    place: str
    """`module:function` under `redress.commands`; a group where `is_group`."""
    is_group: bool = False


COMMANDS: Final = (
    Entry("up", RUN, "Run all services in one process, or those named.", "up:up"),
    Entry("migrate", RUN, "Bring topics and databases up to date.", "migrate:migrate"),
    Entry("demo", RUN, "Send a day of varied complaints and follow some to the end.", "demo:demo"),
    Entry("send", WORK, "Send a complaint; the text from arguments or standard input.", "send:send"),
    Entry("watch", WORK, "Follow what happens, live; of all complaints or one.", "watch:watch"),
    Entry("show", WORK, "Tell a complaint's whole way through the services.", "show:show"),
    Entry("understand", WORK, "Tell how a text would be understood, and why.", "understand:understand"),
    Entry("train", WORK, "Learn a company's own labels from a file of texts.", "train:train"),
    Entry("evaluate", WORK, "Tell how right a learnt model is on a file of texts.", "train:evaluate"),
    Entry("simulate", WORK, "Tell what a changed pack or roster would have changed.", "simulate:simulate"),
    Entry("import", WORK, "Bring in a file of complaints, history or customers.", "imports:import_file"),
    Entry("adapter", WORK, "For adapters: try what they rely on at a channel's door.", "adapter:adapter_app",
          is_group=True),
    Entry("check", LOOK_AFTER, "Ask whether all is well: readiness, queues, parked keys.", "check:check"),
    Entry("doctor", LOOK_AFTER, "Say on one page what is wrong and which command mends it.", "doctor:doctor"),
    Entry("lag", LOOK_AFTER, "Tell what waits: to be published, to be applied, parked, overdue.", "lag:lag"),
    Entry("parked", LOOK_AFTER, "What could not be applied: list, show, replay, drop.", "parked:parked_app",
          is_group=True),
    Entry("republish", LOOK_AFTER, "Send events again that the log should have.", "republish:republish"),
    Entry("rebuild", LOOK_AFTER, "Make a service's read models anew from the log.", "rebuild:rebuild"),
    Entry("backup", LOOK_AFTER, "Write all there is, as of one moment, into a file.", "backup:backup"),
    Entry("restore", LOOK_AFTER, "Put a backup into an empty system.", "backup:restore"),
    Entry("export", LOOK_AFTER, "Write everything the company owns into a folder, in clear.", "export:export"),
    Entry("verify", LOOK_AFTER, "Hold databases and log against each other, and against a client's journal.", "verify:verify"),
    Entry("audit", LOOK_AFTER, "Hold the record of cases against its seals: verify.", "audit:audit_app", is_group=True),
    Entry("key", LOOK_AFTER, "Keys of adapters and other machines.", "keys:keys_app", is_group=True),
    Entry("unit", LOOK_AFTER, "Parts of the business.", "units:units_app", is_group=True),
    Entry("staff", LOOK_AFTER, "Teams, handlers, shifts and leaves: import, list, show, export, template.", "staff:staff_app",
          is_group=True),
    Entry("packs", LOOK_AFTER, "Policy packs: make, check, compare, put in force.", "packs:packs_app", is_group=True),
    Entry("templates", LOOK_AFTER, "Messages: whether they can be written, and how they sound.", "templates:templates_app",
          is_group=True),
    Entry("due", LOOK_AFTER, "Print when a time is over in a calendar, and how it was counted.", "due:due"),
)  # fmt: skip


def build(arguments: Sequence[str]) -> typer.Typer:
    """The command line, with the one command that `arguments` name loaded and the others listed."""
    app = typer.Typer(
        name="redress",
        help=HELP,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    for entry in COMMANDS:
        target = _load(entry) if entry.name == wanted else _listed
        if entry.is_group and entry.name == wanted:
            group: typer.Typer = target()
            app.add_typer(group, name=entry.name, help=entry.help, rich_help_panel=entry.panel)
        else:
            app.command(entry.name, short_help=entry.help, rich_help_panel=entry.panel)(target)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; what went wrong is on standard error."""
    try:
        build(arguments)(args=list(arguments), prog_name="redress")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    except Failure as failure:
        sys.stderr.write(f"redress: {failure}\n")
        return failure.code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read the output has enough; Python must not complain again at exit.
        sys.stdout = None
        return 0
    return 0


def main() -> None:
    """What the installed command calls."""
    sys.exit(run(sys.argv[1:]))


def _tell_version(asked: bool) -> None:  # noqa: FBT001 - the shape that typer calls
    if asked:
        typer.echo(f"redress {__version__}")
        raise typer.Exit


def _root(
    *,
    version: bool = typer.Option(
        False, "--version", callback=_tell_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """Nothing of its own: options before the command."""


def _listed() -> Any:  # noqa: ANN401 - as what stands there when it is called
    """Stand for a command that was not asked for."""


def _load(entry: Entry) -> Callable[..., Any]:
    module, _, name = entry.place.partition(":")
    target: Callable[..., Any] = getattr(
        importlib.import_module(f"redress.commands.{module}"), name
    )
    return target
