"""Settings for commands that run services here, and errors of theirs told in a sentence."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from redress.failure import Failure, NotReachable, WrongUsage
from shared.bus.embedded.folder import FolderRefused
from shared.bus.port import BusMisconfigured, BusStuck
from shared.errors import Transient
from shared.settings import Settings, SettingsError


def read_settings() -> Settings:
    """The settings in the environment. Raises WrongUsage naming each variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"REDRESS_{'_'.join(str(part) for part in one['loc']).upper()}: {one['msg']}"
            for one in error.errors(include_url=False)
        )
        raise WrongUsage(f"settings are wrong: {wrong}.") from error


@contextmanager
def naming() -> Iterator[None]:
    """Turn errors whose message says what to do into one sentence and an exit code."""
    try:
        yield
    except (SettingsError, BusMisconfigured) as error:
        raise WrongUsage(str(error)) from error
    except (FolderRefused, BusStuck) as error:
        raise Failure(str(error)) from error
    except Transient as error:
        raise Away(str(error)) from error
    except DBAPIError as error:
        if not _is_refusal(error):
            raise
        said = str(error.orig).rpartition(">: ")[2]
        raise WrongUsage(
            f"PostgreSQL refuses: {said}. Correct REDRESS_DATABASE, or what its role may do."
        ) from error
    except OSError as error:
        if error.filename is None:
            raise
        raise Failure(f"{error.filename} cannot be used: {error.strerror}.") from error


def _is_refusal(error: DBAPIError) -> bool:
    """Whether name, password, rights or database are wrong (PostgreSQL's error codes, appendix A of its manual)."""
    state = getattr(error.orig, "sqlstate", None) or ""
    return state.startswith("28") or state in {"3D000", "42501"}


class Away(NotReachable):
    """A database or the log, which this process needs, does not answer."""

    def __init__(self, reason: str) -> None:
        Failure.__init__(self, f"{reason}. Start it, or correct REDRESS_DATABASE or REDRESS_BUS.")
        self.reason = reason
