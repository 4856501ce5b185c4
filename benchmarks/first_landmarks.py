"""From nothing to the first landmarks: import, open and detect in fresh processes, and the memory that takes.

    benchmarks/first_landmarks.py runs/lite.fpm

Each process has numpy, Pillow, msgspec and LiteRT, and says when it was done with what. Medians over the processes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
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


def measured(program: str, arguments: list[str], processes: int) -> dict[str, float]:
    """Medians of what the processes said."""
    said = []
    for _ in range(processes):
        command = [sys.executable, "-c", program, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        said.append(json.loads(done.stdout.strip().splitlines()[-1]))
    return {name: statistics.median(one[name] for one in said) for name in said[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("--processes", type=int, default=15)
    arguments = parser.parse_args()
    bundle = open_bundle(arguments.bundle)
    with tempfile.TemporaryDirectory() as folder:
        pieces = []
        for piece in bundle.manifest.pieces["tflite"]:
            path = Path(folder) / Path(piece.member).name
            path.write_bytes(bundle.read(piece.member))
            pieces.append(str(path))
        rows = {
            "the runtime": measured(PROGRAM, [arguments.bundle], arguments.processes),
            "LiteRT alone, the same pieces": measured(BARE, pieces, arguments.processes),
        }
    for name, row in rows.items():
        seconds = ", ".join(f"{part} {value * 1e3:.0f} ms" for part, value in row.items() if part != "MB")
        print(f"{name}: {seconds}; {row['MB']:.1f} MB at most")


if __name__ == "__main__":
    main()
