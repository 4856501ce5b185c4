"""What commands write: declared where the parameter is, and checked before any work by one function.

A command of class `Command` writes over nothing that it reads, and over no file of another kind than it writes. Its
inputs are the parameters whose type `Reads`, its outputs those whose type `Writes`; what a data set turns out to read
is told to `keep_pictures`.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import click

from fpm_edge.cli.inputs import Reads
from fpm_edge.files.file_kinds import ANY, Kind, beginning, kind_named, looks_like
from fpm_edge.files.same_file import place
from fpm_edge_runtime.errors import UsageError

__all__ = ["Command", "Group", "OutputFile", "OutputFolder", "Target", "Writes", "keep_pictures", "values_of"]

_META = "fpm_edge.outputs"


@dataclass(frozen=True)
class Target:
    """A file, or a folder, that a command writes.

    Attributes:
        path: its place.
        kind: what may be there already; None for a folder, which takes the place of nothing.
        source: what it is made from, where several are; for messages.
    """

    path: Path
    kind: Kind | None
    source: str = ""


@runtime_checkable
class Writes(Protocol):
    """What the type of a parameter has whose values name what is written."""

    def targets(self, value: Path, given: Mapping[str, Any]) -> Iterator[Target]:
        """What is written; of the files in a folder, those that must not be lost if they are there.

        Args:
            value: of the parameter.
            given: values of all parameters of the command.
        """


class OutputFile(click.Path):
    """A file that the command writes.

    Args:
        kind: what may be replaced.
        beside: what is put behind its name for other files that are written with it.
    """

    def __init__(self, kind: Kind, beside: tuple[str, ...] = ()) -> None:
        super().__init__(path_type=Path)
        self._kind, self._beside = kind, beside

    def targets(self, value: Path, given: Mapping[str, Any]) -> Iterator[Target]:
        """The file, and those beside it."""
        yield Target(value, self._kind)
        for suffix in self._beside:
            yield Target(value.with_name(value.name + suffix), self._kind)


class OutputFolder(click.Path):
    """A folder that the command writes files into.

    Args:
        names: relative names of these files, or patterns for `Path.glob`; or what gives them from the values of all
            parameters. None where the folder must be new or empty.
        kinds: of all, or by name or pattern; those left out have the kind that their suffix tells.
    """

    def __init__(
        self,
        names: Iterable[str] | Callable[[Mapping[str, Any]], Iterable[str]] = (),
        kinds: Kind | Mapping[str, Kind] | None = None,
    ) -> None:
        super().__init__(path_type=Path)
        self._names: Callable[[Mapping[str, Any]], Iterable[str]]
        fixed = () if callable(names) else tuple(names)
        self._names = names if callable(names) else lambda given: fixed
        self._kind = kinds if isinstance(kinds, Kind) else None
        self._kinds = kinds if isinstance(kinds, Mapping) else {}

    def targets(self, value: Path, given: Mapping[str, Any]) -> Iterator[Target]:
        """The folder, and what is in it that would be replaced."""
        yield Target(value, None)
        for name in self._names(given):
            for path in sorted(value.glob(name)) if "*" in name else [value / name]:
                yield Target(path, self._kind or self._kinds.get(name) or kind_named(name))


class Command(click.Command):
    """A command whose outputs are checked before it does anything."""

    def invoke(self, ctx: click.Context) -> Any:
        """Check, then run. Raises UsageError."""
        _check(ctx)
        return super().invoke(ctx)


class Group(click.Group):
    """A group of such commands."""

    command_class = Command


@dataclass
class _Outputs:
    """What the running command writes, by `place`, with the option that says so."""

    files: dict[Hashable, tuple[str, Target]] = field(default_factory=dict)


def keep_pictures(pictures: Iterable[Path]) -> None:
    """Refuse, where the command that is running would write over one of these pictures that its data name.

    Raises:
        UsageError: it would; names both.
    """
    context = click.get_current_context(silent=True)
    outputs = None if context is None else context.meta.get(_META)
    if not isinstance(outputs, _Outputs):
        return
    there = {where: found for where, found in outputs.files.items() if found[1].path.exists()}
    for picture in pictures if there else ():
        found = there.get(place(picture))
        if found is not None:
            raise _replaces(*found, f"a picture of the data, {picture}")


def values_of(command: click.Command, given: Mapping[str, Any]) -> Iterator[tuple[click.Parameter, Any, Any]]:
    """Every parameter with a type and a value of it: of a tuple its members, of one that is repeatable each."""
    for parameter in command.params:
        value = given.get(parameter.name or "")
        if value is None:
            continue
        repeated = parameter.multiple if isinstance(parameter, click.Option) else parameter.nargs == -1
        for one in value if repeated else (value,):
            if isinstance(parameter.type, click.Tuple):
                yield from ((parameter, kind, part) for kind, part in zip(parameter.type.types, one, strict=True))
            elif parameter.nargs > 1:
                yield from ((parameter, parameter.type, part) for part in one)
            else:
                yield parameter, parameter.type, one


def _check(context: click.Context) -> None:
    """What is written is none of what is read, no file of another kind, and nothing twice."""
    given = context.params
    outputs, inputs = _Outputs(), dict[Hashable, str]()
    for parameter, kind, value in values_of(context.command, given):
        if not isinstance(kind, Reads):
            continue
        for path in kind.reads(value):
            if path.exists():
                inputs.setdefault(place(path), f"{_name(parameter)} {value}")
    for parameter, kind, value in values_of(context.command, given):
        if not isinstance(kind, Writes):
            continue
        for target in kind.targets(value, given):
            name, where = _name(parameter), place(target.path)
            if where in outputs.files:
                raise _twice(*outputs.files[where], name, target)
            if where in inputs:
                raise _replaces(name, target, f"what {inputs[where]} reads")
            _check_kind(name, target)
            outputs.files[where] = name, target
    context.meta[_META] = outputs


def _check_kind(name: str, target: Target) -> None:
    """Raise where a file is there that the command did not write. An empty one is nobody's loss."""
    path = target.path
    if target.kind is None or target.kind is ANY or not path.exists() or path.is_dir():
        return
    if not path.is_file():
        raise UsageError(f"{name} would replace {path}, which is a device or a pipe; name a file")
    head = beginning(path)
    if head and not target.kind.fits(head):
        raise UsageError(
            f"{name} would replace {path}, which is {looks_like(head)} and not {target.kind.words}; remove it first, "
            "or name another place"
        )


def _replaces(name: str, target: Target, what: str) -> UsageError:
    which = f"replace {target.path}" if target.kind is not None else f"write into {target.path}"
    return UsageError(f"{name} would {which}, which is {what}; name another place")


def _twice(first: str, one: Target, second: str, other: Target) -> UsageError:
    if one.source and other.source:
        return UsageError(
            f"{one.source} and {other.source} have the same name, so for both {first} would write {one.path}; give "
            "them one by one, with another place each"
        )
    options = first if first == second else f"{first} and {second}"
    return UsageError(f"{options} would write {one.path} twice; name two places")


def _name(parameter: click.Parameter) -> str:
    """As it is typed."""
    return parameter.opts[0] if isinstance(parameter, click.Option) else parameter.human_readable_name
