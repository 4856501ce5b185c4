"""Every error that fpm-edge raises on purpose.

    FpmEdgeError                 exit code 1
    ├── UsageError               2   an argument that cannot be what was meant
    ├── DataError                1   an image, an annotation or a data set that cannot be used
    │   └── ImageError           1   one picture that cannot be read
    ├── SchemaError              1   an unknown or inconsistent landmark schema
    ├── ModelError               1   a model, checkpoint or configuration that cannot be used
    ├── ConversionError          1   a converted file that is not what it must be
    ├── GateError                3   a budget (drift, latency) that was not met
    ├── BundleError              4   a bundle that is damaged, altered or of an unknown version
    └── MissingExtraError        5   an engine or package that is not installed

A message says what was wrong, where, what was expected and what to do next.
"""

from typing import ClassVar

__all__ = [
    "BundleError",
    "ConversionError",
    "DataError",
    "FpmEdgeError",
    "GateError",
    "ImageError",
    "MissingExtraError",
    "ModelError",
    "SchemaError",
    "UsageError",
]


_LONGEST = 2000  # characters of a message that quotes a bundle


class FpmEdgeError(Exception):
    """Base of every error raised on purpose; `exit_code` is what the command line returns for it."""

    exit_code: ClassVar[int] = 1


class UsageError(FpmEdgeError):
    """An argument that cannot be what was meant (a stage number out of range, an unknown engine name)."""

    exit_code = 2


class DataError(FpmEdgeError):
    """An annotation file, a data set or an array of pixels that cannot be used."""


class ImageError(DataError):
    """A picture that is missing, corrupt or not a picture."""


class SchemaError(FpmEdgeError):
    """A landmark schema that is unknown, inconsistent, or not the one the model was made for."""


class ModelError(FpmEdgeError):
    """A model folder, checkpoint or configuration that cannot be used."""


class ConversionError(FpmEdgeError):
    """A converted file that fails the assertions made on it; nothing is written."""


class GateError(FpmEdgeError):
    """A measured drift or latency over its budget."""

    exit_code = 3


class BundleError(FpmEdgeError):
    """A bundle that is damaged, altered, incomplete, of an unknown version, or not signed as it must be.

    Messages quote the bundle, and a hostile one holds control sequences or megabytes: what cannot be printed is
    escaped, and the middle of a long message is left out.
    """

    exit_code = 4

    def __init__(self, message: str) -> None:
        if len(message) > _LONGEST:
            message = f"{message[: _LONGEST // 2]} [...] {message[-_LONGEST // 2 :]}"
        if not message.isprintable():
            message = "".join(c if c.isprintable() else repr(c)[1:-1] for c in message)
        super().__init__(message)


class MissingExtraError(FpmEdgeError):
    """An engine or package that is not installed; the message names the extra that brings it."""

    exit_code = 5
