"""Entry point of the `fpm-edge` command: environment, errors and exit codes."""

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

# Nothing that takes time is imported here: until `main` runs, Ctrl-C is a traceback.
from fpm_edge.interrupts import (
    INTERRUPTED,
    ending_at_interrupt,
    interrupts_never_lost,
    leave_interrupts_to_the_system,
)

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit; every expected error becomes one line on stderr and its exit code.

    Args:
        arguments: without the program's name; None for those of this process.
    """
    try:
        with interrupts_never_lost():
            _run(arguments)
    except KeyboardInterrupt:
        _fail("interrupted", INTERRUPTED)
    finally:
        if arguments is None:
            leave_interrupts_to_the_system()
    sys.exit(0)


def _run(arguments: Sequence[str] | None) -> None:
    # tfmot needs tf_keras; TensorFlow reads both when it is imported, which only some commands do.
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with ending_at_interrupt():
            import click

            from fpm_edge.cli import cli
            from fpm_edge.text.terminal import mend_streams, shown, writing
            from fpm_edge_runtime.errors import FpmEdgeError
    except ModuleNotFoundError as error:
        _fail(f"{error.name} is not installed; the command line needs: pip install 'fpm-edge[cli]'", 5)
    mend_streams()

    def fail(message: str, code: int) -> NoReturn:
        with writing(2):
            print(f"fpm-edge: {shown(message)}", file=sys.stderr, flush=True)
        sys.exit(code)

    try:
        # Not standalone: click would turn Ctrl-C into exit code 1.
        cli.main(args=None if arguments is None else list(arguments), prog_name="fpm-edge", standalone_mode=False)
    except click.ClickException as error:
        with writing(2):
            error.show()
        sys.exit(error.exit_code)
    except FpmEdgeError as error:
        fail(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        fail("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # The reader of many results has had enough of them (`run --video V --json | head`): nothing is wrong.
        pass
    except OSError as error:
        fail(f"{error.filename or 'input or output'}: {error.strerror or error}", 1)


def _fail(message: str, code: int) -> NoReturn:
    """The same before anything is imported."""
    print(f"fpm-edge: {message}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
