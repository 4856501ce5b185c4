"""The other side of `isolated` and `isolated_speed`: an engine at work, in a process that may die of it.

    python -m fpm_edge_runtime.check.child BUNDLE|- ENGINE THREADS              one self-check
    python -m fpm_edge_runtime.check.child --speed BUNDLE ENGINE THREADS[,...]  self-checks, then times: `speed_child`

The answer to the first is one `Answer` as JSON on stdout. Whatever an engine prints goes to stderr.
"""

import os
import sys

import msgspec

from fpm_edge_runtime.check.checked import Answer, checked_session
from fpm_edge_runtime.check.speed_child import serve
from fpm_edge_runtime.engines import Engine
from fpm_edge_runtime.stages.bundle import open_bundle

__all__ = ["answer", "main"]


def answer(source: str | bytes, engine: str | Engine, threads: int | None) -> Answer:
    """Check a bundle in an engine, in this process."""
    return checked_session(open_bundle(source), engine, threads)[0]


def main(engine: Engine | None = None) -> None:
    """Answer the command line; an engine given here takes the place of the one named there."""
    job, arguments = ("speed", sys.argv[2:]) if sys.argv[1] == "--speed" else ("check", sys.argv[1:])
    bundle, name, threads = arguments
    # Engines print to stdout as they like, some from C++; the answer has a way of its own.
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        if job == "speed":
            counts = [int(count) for count in threads.split(",")]
            serve(open_bundle(bundle), engine or name, counts, sys.stdin.buffer, out)
            return
        source = sys.stdin.buffer.read() if bundle == "-" else bundle
        out.write(msgspec.json.encode(answer(source, engine or name, int(threads) if threads else None)))


if __name__ == "__main__":
    main()
