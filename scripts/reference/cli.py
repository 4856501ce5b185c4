"""docs/reference/cli.md, from the click commands."""

import inspect
from collections.abc import Iterator

import click

from fpm_edge.cli import cli

__all__ = ["cli_page", "commands"]

_HEAD = """\
# Command line

Made from the code by `scripts/make_reference.py`; the test suite holds this page to it. `fpm-edge COMMAND --help`
says the same.

Every command has `-h`, `--help`. Results go to stdout, logs and progress to stderr. Exit codes:

| | |
|---|---|
| 0 | done |
| 1 | failed: data, a picture, a model, a disk |
| 2 | usage: an option or argument that cannot be what was meant |
| 3 | a gate: a budget for drift or latency was not met, or no engine passes |
| 4 | a bundle that is damaged, altered, of an unknown version or not signed as it must be |
| 5 | a package or an engine is not installed; the message names it |
| 130 | interrupted (Ctrl-C) |

What the messages mean: [troubleshooting](../troubleshooting.md).
"""


def cli_page() -> str:
    parts = [_HEAD]
    for name, command in commands(cli, "fpm-edge"):
        parts.append(_section(name, command))
    return "\n".join(parts)


def commands(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    """Every command below `group` with its full name, groups before what they hold."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{prefix} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix} {name}")


def _section(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name)
    usage = " ".join((name, *command.collect_usage_pieces(context)))
    parts = [f"## {name}\n", f"```text\n{usage}\n```\n", _help(command)]
    rows = [
        _row(option, context) for option in command.params if isinstance(option, click.Option) and not option.hidden
    ]
    if rows:
        parts.append("\n".join(("| option | | what it does |", "|---|---|---|", *rows)) + "\n")
    return "\n".join(parts)


def _help(command: click.Command) -> str:
    """The command's docstring; what click is told not to wrap (after a \\b) is shown as it stands."""
    blocks = []
    for block in inspect.cleandoc(command.help or "").split("\n\n"):
        if block.startswith("\b\n"):
            blocks.append(f"```sh\n{block[2:]}\n```")
        else:
            blocks.append(_escaped(block))
    return "\n\n".join(blocks) + "\n"


def _row(option: click.Option, context: click.Context) -> str:
    names = ", ".join(f"`{name}`" for name in sorted(option.opts, key=lambda name: (not name.startswith("--"), name)))
    if option.secondary_opts:
        names += " / " + ", ".join(f"`{name}`" for name in option.secondary_opts)
    takes = "" if option.is_flag else f"`{option.make_metavar(context)}`".replace("|", "\\|")
    notes = [option.help or ""]
    if option.required:
        notes.append("Required.")
    if option.multiple:
        notes.append("Repeatable.")
    if option.show_default and option.default is not None and not isinstance(option.show_default, str):
        notes.append(f"Default: `{option.default}`.")
    return f"| {names} | {takes} | {_escaped(' '.join(note for note in notes if note))} |"


def _escaped(text: str) -> str:
    """Text in which Markdown finds neither tables nor emphasis nor links."""
    parts = text.split("`")
    for number in range(0, len(parts), 2):
        for sign in "*_<[":
            parts[number] = parts[number].replace(sign, f"\\{sign}")
    return "`".join(parts).replace("|", "\\|")
