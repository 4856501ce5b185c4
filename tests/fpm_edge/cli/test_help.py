"""Help is quick: what it loads."""

import subprocess
import sys

import click

from fpm_edge.cli import NEEDS_TENSORFLOW, cli


def loaded_by(*commands: str) -> set[str]:
    """The packages that a fresh process has after showing the help of these commands."""
    program = (
        "import contextlib, sys\nfrom fpm_edge.__main__ import main\nfor name in sys.argv[1:]:\n"
        "    with contextlib.suppress(SystemExit):\n        main([*name.split(), '--help'])\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program, *commands], capture_output=True, text=True, check=True)
    assert done.stdout.count("Usage:") == len(commands)
    return set(done.stderr.split())


def test_help_loads_next_to_nothing() -> None:
    assert {"numpy", "PIL", "msgspec", "tensorflow"}.isdisjoint(loaded_by(""))


def test_commands_that_need_no_tensorflow_do_not_load_it() -> None:
    names = [name for name in cli.list_commands(click.Context(cli)) if name not in NEEDS_TENSORFLOW]
    assert {"run", "drift", "bench", "report", "evaluate"} <= set(names)
    assert "tensorflow" not in loaded_by(*names)
