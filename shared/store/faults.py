"""Which database errors will pass by themselves."""

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.errors import Transient

_PASSING_SQLSTATES: Final = ("08", "53", "57", "40", "55P03", "25P03", "XX")
"""Connection, resources, operator intervention, rollback (deadlock, serialization), lock time-out, idle time-out."""
_PASSING_SQLITE: Final = ("locked", "busy", "full", "disk i/o error", "unable to open")


def is_passing(error: BaseException) -> bool:
    """Whether the same unit may well succeed later: database away, out of room, locked or deadlocked."""
    if isinstance(
        error, Transient | PoolTimeout | InterfaceError | OSError
    ):  # OSError: also connections, time-outs
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or (error.orig is not None and is_passing(error.orig))
    if isinstance(error, sqlite3.OperationalError):
        text = str(error).lower()
        return any(word in text for word in _PASSING_SQLITE)
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return state.startswith(_PASSING_SQLSTATES)
    cause = error.__cause__
    return cause is not None and is_passing(cause)


def lost_the_answer(error: BaseException) -> bool:
    """Whether a COMMIT that failed with this may have happened all the same."""
    if isinstance(error, DBAPIError):
        gone = error.connection_invalidated or isinstance(error, InterfaceError)
        return gone or (error.orig is not None and lost_the_answer(error.orig))
    if isinstance(error, sqlite3.Error):
        return "i/o" in str(error).lower()
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return state.startswith(("08", "57P"))
    cause = error.__cause__
    return isinstance(error, OSError) or (cause is not None and lost_the_answer(cause))
