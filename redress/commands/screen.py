"""What commands print: colours on a terminal, plain text elsewhere, JSON lines where asked."""

import json
import os
import shutil
import sys
from datetime import datetime
from pathlib import Path

from rich.console import Console

PIPE_WIDTH = 140
"""Columns where there is no terminal whose width counts."""


def console(*, stderr: bool = False) -> Console:
    """Rich's console: it leaves colours out where no terminal is, and does not guess at words."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(stderr=stderr, highlight=False, soft_wrap=True, width=width)


def print_json(document: object) -> None:
    """One object on one line."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def own_command() -> str:
    """How the person at the terminal calls this command again."""
    program = Path(sys.argv[0])
    if program.name != "redress" or shutil.which("redress") == str(program):
        return "redress"
    if program.is_absolute() and program.is_relative_to(Path.cwd()):
        return str(program.relative_to(Path.cwd()))
    return str(program)


def local(time: str | datetime) -> datetime:
    """A time as the clock on this machine's wall shows it."""
    at = datetime.fromisoformat(time) if isinstance(time, str) else time
    return at.astimezone()


def clock_time(time: str | datetime) -> str:
    """Hours, minutes and seconds on the wall."""
    return f"{local(time):%H:%M:%S}"


def day_time(time: str | datetime) -> str:
    """Date and time on the wall, to the minute."""
    return f"{local(time):%Y-%m-%d %H:%M}"
