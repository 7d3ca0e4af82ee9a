"""How a command ends when it does not end well: a sentence and an exit code."""

from collections.abc import Mapping
from typing import Final

PROBLEM: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
SERVER_ERROR: Final = 500


class Failure(Exception):
    """A command cannot go on; the message is shown as it is."""

    code = PROBLEM


class WrongUsage(Failure):
    """The command was called wrongly; the message says how to call it."""

    code = USAGE


class NotReachable(Failure):
    """Nothing answers, or it says that it cannot right now."""

    code = UNREACHABLE

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(
            f"{url} is not reachable ({reason}). "
            "Is it running? Start it with `redress up`, or name another with --url or REDRESS_URL."
        )
        self.reason = reason


class Problem(Failure):
    """The system refused; `document` is its problem document (RFC 9457)."""

    def __init__(self, status: int, document: Mapping[str, object]) -> None:
        super().__init__(in_words(status, document))
        self.status = status
        self.document = document


def in_words(status: int, document: Mapping[str, object]) -> str:
    """A problem document for people: its detail, then each field that is wrong."""
    title, detail = document.get("title"), document.get("detail")
    lines = [" ".join(str(part) for part in (f"{status}", title and f"{title}:", detail) if part)]
    errors = document.get("errors")
    lines += [
        f"  {error.get('field')}: {error.get('message')}"
        for error in (errors if isinstance(errors, list) else ())
        if isinstance(error, dict)
    ]
    if document.get("trace_id") and status >= SERVER_ERROR:
        lines.append(f"  trace_id {document['trace_id']}")
    return "\n".join(lines)
