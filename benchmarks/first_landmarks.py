"""From nothing to the first landmarks: import, open and detect in fresh processes, and the memory that takes.

    benchmarks/first_landmarks.py runs/lite.fpm [--against DIR]

Each process has numpy, Pillow, msgspec and LiteRT, and says when it was done with what. Medians over the processes,
which take turns. `--against`: a folder with another version of the runtime (`runtime` in another checkout) to try too.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fpm_edge_runtime import open_bundle

PROGRAM = """
import time
start = time.perf_counter()
import json, resource, sys
import numpy as np
import fpm_edge_runtime
imported = time.perf_counter()
bundle = fpm_edge_runtime.open_bundle(sys.argv[1])
opened = time.perf_counter()
session = bundle.session(threads=1)
loaded = time.perf_counter()
geometry = session.geometry
session.detect(np.zeros((geometry.input_height, geometry.input_width, 3), np.uint8))
found = time.perf_counter()
print(json.dumps({
    "import": imported - start, "open": opened - imported, "session": loaded - opened, "detect": found - loaded,
    "all": found - start, "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
}))
"""

BARE = """
import time
start = time.perf_counter()
import json, resource, sys
import numpy as np
from ai_edge_litert.interpreter import Interpreter
imported = time.perf_counter()
runners = []
for path in sys.argv[1:]:
    made = Interpreter(model_path=path, num_threads=1)
    made.allocate_tensors()
    made.invoke()
    runners.append(made)
found = time.perf_counter()
print(json.dumps({"import": imported - start, "all": found - start,
                  "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


@dataclass(frozen=True)
class Started:
    """A program, its arguments, and the folder where it finds the runtime before any other; None for no other."""

    program: str
    arguments: tuple[str, ...]
    runtime: Path | None = None

    def said(self) -> dict[str, float]:
        """What a fresh process of it says."""
        environment = dict(os.environ)
        if self.runtime is not None:
            environment["PYTHONPATH"] = str(self.runtime.absolute())
        command = [sys.executable, "-c", self.program, *self.arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        return dict(json.loads(done.stdout.strip().splitlines()[-1]))


def in_turns(programs: Mapping[str, Started], processes: int) -> None:
    """Print the medians of what so many processes of each said."""
    said: dict[str, list[dict[str, float]]] = {name: [] for name in programs}
    for _ in range(processes):
        for name, program in programs.items():
            said[name].append(program.said())
    for name, all_of_it in said.items():
        row = {part: statistics.median(one[part] for one in all_of_it) for part in all_of_it[0]}
        seconds = ", ".join(f"{part} {value * 1e3:.0f} ms" for part, value in row.items() if part != "MB")
        print(f"{name}: {seconds}; {row['MB']:.1f} MB at most")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("--processes", type=int, default=15)
    parser.add_argument("--against", type=Path, help="a folder that holds another version of fpm_edge_runtime")
    arguments = parser.parse_args()
    if arguments.against is not None and not (arguments.against / "fpm_edge_runtime").is_dir():
        parser.error(f"--against: {arguments.against} has no folder fpm_edge_runtime")
    bundle = open_bundle(arguments.bundle)
    with tempfile.TemporaryDirectory() as folder:
        pieces = []
        for piece in bundle.manifest.pieces["tflite"]:
            path = Path(folder) / Path(piece.member).name
            path.write_bytes(bundle.read(piece.member))
            pieces.append(str(path))
        programs = {"the runtime": Started(PROGRAM, (arguments.bundle,))}
        if arguments.against is not None:
            programs[f"that in {arguments.against}"] = Started(PROGRAM, (arguments.bundle,), arguments.against)
        programs["LiteRT alone, the same pieces"] = Started(BARE, tuple(pieces))
        in_turns(programs, arguments.processes)


if __name__ == "__main__":
    main()
