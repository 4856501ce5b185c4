"""The other side of `cold`: a fresh process that finds the landmarks of one picture and says how long each step took.

Run as a file, not as a module, so that nothing is imported before the clock runs. Arguments: bundle, engine, threads,
stages, width and height of the picture, and public keys. One line of JSON on stdout: see `cold._Said`.
"""

from time import perf_counter

start = perf_counter()

import sys  # noqa: E402

# The folder of this file, whose modules nobody means by their bare names; Python 3.10 has no option to leave it out.
if not getattr(sys.flags, "safe_path", False):
    del sys.path[0]

import os  # noqa: E402

import numpy as np  # noqa: E402

import fpm_edge_runtime  # noqa: E402


def peak_bytes() -> int | None:
    """Most memory that was resident; None where nothing tells.

    Linux's own ``ru_maxrss`` will not do: a child starts with that of the process it was split off from.
    """
    try:
        with open("/proc/self/status", encoding="utf-8") as status:  # noqa: PTH123  (pathlib would be one more import)
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    if sys.platform == "darwin":
        import resource

        return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return None


def main() -> None:
    imported = perf_counter()
    path, engine, threads, stages, width, height, *keys = sys.argv[1:]
    picture = np.zeros((int(height), int(width), 3), np.uint8)
    began = perf_counter()
    bundle = fpm_edge_runtime.open_bundle(path, keys or None)
    opened = perf_counter()
    session = bundle.session(engine, threads=int(threads), stages=int(stages))
    loaded = perf_counter()
    session.detect(picture)
    found = perf_counter()
    import json

    steps = {"import": imported - start, "open": opened - began, "load": loaded - opened, "first": found - loaded}
    said = {"digest": bundle.digest, "seconds": steps, "peak": peak_bytes()}
    answer.write(json.dumps(said).encode() + b"\n")
    answer.flush()


if __name__ == "__main__":
    # Engines print to stdout as they like, some from C++; the answer has a way of its own.
    with os.fdopen(os.dup(1), "wb") as answer:
        os.dup2(2, 1)
        try:
            main()
        except fpm_edge_runtime.FpmEdgeError as error:
            sys.exit(str(error))
