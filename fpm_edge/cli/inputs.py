"""Parameters that name what a command reads: every one says which files those are, so that no output replaces them."""

from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import click

__all__ = ["DATA_SPEC", "INPUT", "SCHEMA", "InputPath", "Reads"]


@runtime_checkable
class Reads(Protocol):
    """What the type of a parameter has whose values name files."""

    def reads(self, value: Any) -> tuple[Path, ...]:
        """The files and folders that a value names; they need not be there."""


class InputPath(click.Path):
    """A file or folder that the command reads."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def reads(self, value: Any) -> tuple[Path, ...]:
        """The path itself."""
        return (Path(value),)


class _DataSpec(click.ParamType[str]):
    """``KIND:PATH`` of a data set."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value)

    def reads(self, value: str) -> tuple[Path, ...]:
        """The folder or file, with and without a part; of shards, all folders."""
        # Not above: `fpm-edge run` reads no data set, and starts sooner without.
        from fpm_edge.data.location import local_path

        location = value.partition(":")[2]
        texts = {location, location.partition("#")[0], *location.split(",")}
        return tuple(local_path(text) for text in sorted(texts) if text)


class _Schema(click.ParamType[str]):
    """The name of a landmark schema, or its file."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return str(value)

    def reads(self, value: str) -> tuple[Path, ...]:
        """The file, if it is one."""
        return (Path(value),)


INPUT = InputPath()
DATA_SPEC = _DataSpec()
SCHEMA = _Schema()
