"""What one `detect` costs beside its engine: whole calls against bare invokes of the same pieces, taking turns.

    benchmarks/frame_cost.py fpm_edge/models/lite-s.fpm fpm_edge/models/lite-m.fpm [--against DIR] [--threads 1,2]

Drawn garments that already have the input's size, in LiteRT. Each turn runs plain code around the pieces (one
interpreter each, tensors copied from one to the next, nothing decoded) and `Session.detect`, in an order that is drawn;
so each begins with caches that a network has emptied, as on a device. Prints medians in milliseconds:

- bare: plain code; detect: the whole call;
- fixed: what `detect` takes beside the pieces' own time and making its input, which is what a faster engine keeps;
- more: `detect` less bare, within a turn: that, and what it does to the engine.

`--against`: a folder with another version of the runtime (`runtime` in another checkout). Its processes and those of
this version take turns.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from fpm_edge.data import load_dataset
from fpm_edge.data.record import read_image
from fpm_edge_runtime import open_bundle
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.pixels.image import letterbox

PICTURES = 16

PROGRAM = """
import json, random, sys
from time import perf_counter
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from fpm_edge_runtime import open_bundle

path, pictures, threads, rounds, seed = *sys.argv[1:3], *map(int, sys.argv[3:])
images = np.load(pictures)
bundle = open_bundle(path)
session = bundle.session(engine="litert", threads=threads)
rng = random.Random(seed)
steps = []
for piece in bundle.manifest.pieces["tflite"]:
    made = Interpreter(model_content=bundle.read(piece.member), num_threads=threads)
    made.allocate_tensors()
    inputs = [(detail["name"], detail["index"]) for detail in made.get_input_details()]
    outputs = [(detail["name"], detail["index"]) for detail in made.get_output_details()]
    steps.append((made, inputs, outputs))

def bare(image):
    tensors = {"image": image[np.newaxis]}
    for made, inputs, outputs in steps:
        for name, index in inputs:
            made.set_tensor(index, tensors[name])
        made.invoke()
        for name, index in outputs:
            tensors[name] = made.get_tensor(index)

said = []
for turn in range(-20, rounds):
    image = images[turn % len(images)]
    row = {}
    for what in rng.sample(("bare", "detect"), 2):
        start = perf_counter()
        found = bare(image) if what == "bare" else session.detect(image)
        row[what] = (perf_counter() - start) * 1e3
        if found is not None:
            took = found.timings
            row["fixed"] = row[what] - took.preprocess_ms - sum(took.pieces.values())
    row["more"] = row["detect"] - row["bare"]
    if turn >= 0:  # the first are warm-up
        said.append(row)
print(json.dumps(said))
"""

NAMES = ("bare", "detect", "fixed", "more")


def said_by(runtime: Path | None, *arguments: object) -> list[dict[str, float]]:
    """The turns of a fresh process with this runtime; None for the one that is installed."""
    environment = dict(os.environ)
    if runtime is not None:
        environment["PYTHONPATH"] = str(runtime.absolute())
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return list(json.loads(done.stdout.strip().splitlines()[-1]))


def drawn(bundle: Path, folder: Path) -> Path:
    """Some drawn garments as inputs of a bundle's network: (pictures, height, width, 3) uint8 in a file."""
    geometry = open_bundle(bundle).manifest.geometry
    size = geometry.input_width, geometry.input_height
    data = load_dataset(f"rendered:{PICTURES}@5/192")
    pixels = [read_image(record) for record in data.records]
    path = folder / f"{size[0]}x{size[1]}.npy"
    np.save(path, [letterbox(image, Letterbox.fit(image.shape[1::-1], size), size) for image in pixels])
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", type=Path, nargs="+")
    parser.add_argument("--against", type=Path, help="folder of another version of the runtime")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=150, help="turns of a process")
    parser.add_argument("--processes", type=int, default=5, help="of each version")
    options = parser.parse_args()
    versions = {"now": None} if options.against is None else {"before": options.against, "now": None}
    print(f"| bundle | threads | runtime | {' | '.join(NAMES)} |\n|---|---|---|{'---|' * len(NAMES)}")
    with tempfile.TemporaryDirectory() as folder:
        for bundle in options.bundles:
            pictures = drawn(bundle, Path(folder))
            for threads in options.threads.split(","):
                rows: dict[str, list[dict[str, float]]] = {version: [] for version in versions}
                for process in range(options.processes):
                    for version, runtime in versions.items():
                        rows[version] += said_by(runtime, bundle, pictures, threads, options.rounds, process)
                for version, turns in rows.items():
                    medians = [statistics.median(turn[name] for turn in turns) for name in NAMES]
                    print(f"| {bundle.name} | {threads} | {version} | {' | '.join(f'{m:.3f}' for m in medians)} |")


if __name__ == "__main__":
    main()
