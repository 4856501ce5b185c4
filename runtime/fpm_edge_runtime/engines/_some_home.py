"""A home folder for packages that ask for one as they are imported, and fail where the user has none."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["some_home"]


@contextmanager
def some_home() -> Iterator[None]:
    """``HOME`` is no folder meanwhile, if there is none to be had: whoever looks into it finds nothing."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = os.devnull
        try:
            yield
        finally:
            del os.environ["HOME"]
    else:
        yield
