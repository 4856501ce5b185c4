"""Commands in shell blocks would be understood: by fpm-edge's own parser, by make, by pip's extras, by the scripts."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click

from docs_check.pages import ROOT, Block, Problem, blocks, prose
from fpm_edge.cli import cli
from fpm_edge_runtime.errors import FpmEdgeError

__all__ = ["check_commands"]

_SHELLS = ("sh", "bash", "console")
_OMITTED = ("...", "…")
_SCRIPTS = ("benchmarks", "scripts", "examples")
_SCRIPT = re.compile(r"(?:[\w./-]*/)?(?:benchmarks|scripts|examples/\w+)/[\w/]+\.py$")


def check_commands(page: Path) -> Iterator[Problem]:
    """Every command of the page's shell blocks, and `fpm-edge …` in its prose (there, parts may be left out)."""
    text = page.read_text("utf-8")
    for block in blocks(text):
        if block.language in _SHELLS:
            for line, words in _commands(block):
                for problem in _problems(words):
                    yield Problem(page, line, problem)
    for number, line in prose(text):
        for span in re.findall(r"`(fpm-edge [^`]*)`", line):
            try:
                words = [word.split("|")[0] for word in shlex.split(span)]
            except ValueError as error:
                yield Problem(page, number, f"{span}: {error}")
                continue
            for problem in _problems([*words, *_OMITTED]):
                yield Problem(page, number, problem)


def _commands(block: Block) -> Iterator[tuple[int, list[str]]]:
    """(line, words) of each simple command; a line that ends in a backslash goes on."""
    pending, start = "", 0
    for number, line in enumerate(block.code.split("\n"), block.line):
        start = start if pending else number
        pending += line
        if pending.endswith("\\"):
            pending = pending[:-1] + " "
            continue
        # What is run inside $(…) is a command of its own.
        for part in (*re.findall(r"\$\(([^()]*)\)", pending), re.sub(r"\$\([^()]*\)", "VALUE", pending)):
            lexer = shlex.shlex(part, posix=True, punctuation_chars=True)
            lexer.commenters = "#"
            lexer.whitespace_split = True
            words: list[str] = []
            for word in lexer:
                if set(word) <= set("|&;()<>"):
                    # What follows > or < is a file.
                    yield start, words
                    words = ["FILE"] if set(word) & set("<>") else []
                else:
                    words.append(word)
            yield start, words
        pending = ""


def _problems(words: list[str]) -> Iterator[str]:
    # Settings of the environment come before the command.
    while words and re.match(r"^\w+=", words[0]):
        words = words[1:]
    if not words:
        return
    program, *arguments = words
    if program in ("python", "python3") and arguments:
        if arguments[:2] == ["-m", "fpm_edge"]:
            program, arguments = "fpm-edge", arguments[2:]
        elif _SCRIPT.search(arguments[0]):
            program, *arguments = arguments
    if program == "fpm-edge":
        yield from _of_fpm_edge(arguments)
    elif program == "make":
        for target in arguments:
            if "=" not in target and target not in _make_targets():
                yield f"make {target}: the Makefile has no such target"
    elif program == "pip" and arguments[:1] == ["install"]:
        for extra in (e for word in arguments for e in re.findall(r"^fpm-edge\[([^]]*)\]", word)):
            for name in extra.split(","):
                if name not in _extras():
                    yield f"fpm-edge[{name}]: pyproject.toml has no such extra"
    elif _SCRIPT.search(program) and (ROOT / program).is_file():
        for word in arguments:
            option = word.split("=")[0]
            if option.startswith("--") and f'"{option}"' not in _scripts():
                yield f"{program} has no option {option}"


def _of_fpm_edge(arguments: list[str]) -> Iterator[str]:
    """As click would parse it, with nothing run and no file looked at."""
    partial = any(word in _OMITTED or word.startswith("$") for word in arguments)
    arguments = [word for word in arguments if word not in _OMITTED and not word.startswith("$")]
    command: click.Command = cli
    name = "fpm-edge"
    while isinstance(command, click.Group):
        if not arguments or arguments[0] in ("-h", "--help", "--version"):
            return
        word, *arguments = arguments
        if word.isupper():
            return
        found = command.get_command(click.Context(command), word)
        if found is None:
            yield f"{name} has no command {word}"
            return
        name, command = f"{name} {word}", found
    if {"-h", "--help"} & set(arguments):
        return
    context = click.Context(command, info_name=name)
    try:
        given, rest, _ = command.make_parser(context).parse_args(list(arguments))
    except click.UsageError as error:
        if not (partial and isinstance(error, click.BadOptionUsage) and "requires an argument" in error.message):
            yield f"{name}: {error.format_message()}"
        return
    if rest:
        yield f"{name}: too many arguments: {' '.join(rest)}"
    for parameter in command.params:
        value = given.get(parameter.name or "")
        if not partial and parameter.required and value in (None, (), [], ""):
            shown = parameter.opts[0] if isinstance(parameter, click.Option) else parameter.human_readable_name
            yield f"{name}: {shown} is missing"
        for one in value if isinstance(value, list | tuple) else [value]:
            # A word in capitals stands for what the reader puts there.
            if isinstance(one, str) and not re.fullmatch(r"[A-Z][A-Z0-9_]*", one) and "$" not in one:
                yield from _of_value(name, parameter, one, context)


def _of_value(name: str, parameter: click.Parameter, value: str, context: click.Context) -> Iterator[str]:
    if isinstance(parameter.type, click.Path | click.File):
        return
    try:
        parameter.type.convert(value, parameter, context)
    except (click.UsageError, FpmEdgeError) as error:
        message = error.format_message() if isinstance(error, click.UsageError) else str(error)
        yield f"{name}: {message}"


@cache
def _make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE))


@cache
def _scripts() -> str:
    """The source of all scripts: some of their options are declared in a module that several share."""
    return "".join(path.read_text("utf-8") for folder in _SCRIPTS for path in sorted((ROOT / folder).rglob("*.py")))


@cache
def _extras() -> set[str]:
    return set(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"])
