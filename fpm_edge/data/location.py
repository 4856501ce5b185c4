"""The path that the location of a data set means."""

from pathlib import Path

from fpm_edge_runtime.errors import UsageError

__all__ = ["local_path"]


def local_path(location: str) -> Path:
    """``~`` and ``~name`` at the beginning stand for the home folder of the user, or of that user.

    Raises:
        UsageError: there is no such home, as where HOME is not set and the system knows no user of this number.
    """
    try:
        return Path(location).expanduser()
    except RuntimeError as error:
        home = Path(location).parts[0]
        raise UsageError(
            f"{location}: there is no home folder for {home}; set HOME, or write the path out (a folder that is called "
            f"so is ./{home})"
        ) from error
