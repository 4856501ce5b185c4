"""Entry point of the `fpm-edge` command: environment, errors and exit codes."""

import os
import sys

from fpm_edge_runtime.errors import FpmEdgeError

__all__ = ["main"]

_INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def main() -> None:
    """Run the command line; every expected error becomes one line on stderr and its exit code."""
    # tfmot needs tf_keras; TensorFlow reads both when it is imported, which only some commands do.
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        from fpm_edge.cli import cli
    except ModuleNotFoundError as error:
        _fail(f"{error.name} is not installed; the command line needs: pip install 'fpm-edge[cli]'", 5)
    try:
        cli.main(standalone_mode=True)
    except FpmEdgeError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail("interrupted", _INTERRUPTED)


def _fail(message: str, code: int) -> None:
    print(f"fpm-edge: {message}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
