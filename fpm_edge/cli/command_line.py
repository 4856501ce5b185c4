"""What was typed, for results that say how to make them again."""

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click

from fpm_edge.text.names import text_name

__all__ = ["command_line", "file_labels"]


def file_labels(paths: Sequence[Path]) -> list[str]:
    """The files' names without suffix, their whole paths where two are the same, numbered where those are."""
    stems = [text_name(path.stem) for path in paths]
    names = [stem if stems.count(stem) == 1 else text_name(str(path)) for stem, path in zip(stems, paths, strict=True)]
    seen = Counter[str]()
    labels = []
    for name in names:
        seen[name] += 1
        labels.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return labels


def command_line(context: click.Context) -> str:
    """The command that does this again: every option that was given, in the order of `--help`."""
    written: list[str] = []
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") == click.core.ParameterSource.COMMANDLINE
        if not given:
            continue
        value = context.params[parameter.name or ""]
        if isinstance(parameter, click.Option) and parameter.is_flag:
            written.append(parameter.opts[-1])
            continue
        if isinstance(parameter, click.Option) and parameter.nargs > 1:
            written += [parameter.opts[-1], *map(str, value)]
            continue
        for item in value if isinstance(value, tuple) else (value,):
            written += [parameter.opts[-1], str(item)] if isinstance(parameter, click.Option) else [str(item)]
    return text_name(shlex.join(["fpm-edge", context.command.name or "", *written]))
