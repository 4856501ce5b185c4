"""What uint8 edges cost: the pieces of one bundle against those of another of the same network, taking turns.

    fpm-edge convert lite-m --int8 --calibration rendered:160@5 --samples 32 -o int8.fpm
    fpm-edge convert lite-m --int8 --edges uint8 --calibration rendered:160@5 --samples 32 -o uint8.fpm
    benchmarks/edges.py int8.fpm uint8.fpm [--engines litert,litert-compiled,openvino] [--threads 1,2]

Prints for every engine and number of threads the median milliseconds of all TFLite pieces one after the other, and the
median ratio of the second bundle to the first within a turn with its 95 % bounds; and how many codes of the second's
edges are other than the first's, once moved by the difference of the zero points.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge.bench.turns import in_turns
from fpm_edge.data import load_dataset
from fpm_edge.inspect.edges import place
from fpm_edge_runtime import Bundle, load_engine, open_bundle
from fpm_edge_runtime.bundle.manifest import Piece
from fpm_edge_runtime.engines import PieceRunner

PICTURES = "rendered:8@5"
Chain = Sequence[tuple[Piece, PieceRunner]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundles", type=Path, nargs=2)
    parser.add_argument("--engines", default="litert,litert-compiled,openvino")
    parser.add_argument("--threads", default="1")
    parser.add_argument("--rounds", type=int, default=300)
    options = parser.parse_args()
    first, second = (open_bundle(path) for path in options.bundles)
    for bundle in (first, second):
        size = sum(len(bundle.read(piece.member)) for piece in bundle.manifest.pieces["tflite"])
        print(f"{bundle.manifest.name}: {size} bytes of TFLite pieces", flush=True)
    records = load_dataset(PICTURES, schema=first.schema).records
    images = [place(record, first.manifest.geometry).image[np.newaxis] for record in records]
    print("| engine | threads | ms, first | ms, second | ratio | 95 % bounds | other codes |")
    print("|---|---|---|---|---|---|---|")
    for engine in options.engines.split(","):
        for threads in map(int, options.threads.split(",")):
            chains = [loaded(bundle, engine, threads) for bundle in (first, second)]
            other, total = other_codes(chains, images)
            times = np.zeros((options.rounds, 2))
            for number, index in in_turns(2, options.rounds):
                image = images[number % len(images)]
                run(chains[index], image)  # the other's weights are in the caches
                times[number, index] = run(chains[index], image)[1] * 1e3
            ratio = times[:, 1] / times[:, 0]
            drawn = np.random.default_rng(0).choice(ratio, (2000, len(ratio)))
            low, high = np.quantile(np.median(drawn, axis=1), (0.025, 0.975))
            ms = [f"{value:.3f}" for value in np.median(times, axis=0)]
            found = [f"{np.median(ratio):.3f}", f"{low:.3f} to {high:.3f}", f"{other} of {total}"]
            print("|", " | ".join([engine, str(threads), *ms, *found]), "|", flush=True)


def loaded(bundle: Bundle, engine: str, threads: int) -> Chain:
    """The TFLite pieces in an engine."""
    pieces = bundle.manifest.pieces["tflite"]
    return [(piece, load_engine(engine).load(piece, bundle.read(piece.member), threads)) for piece in pieces]


def run(chain: Chain, image: NDArray[np.uint8]) -> tuple[dict[str, NDArray[Any]], float]:
    """All tensors, and the seconds in the engine."""
    tensors: dict[str, NDArray[Any]] = {"image": image}
    seconds = 0.0
    for piece, runner in chain:
        given = {spec.name: tensors[spec.name] for spec in piece.inputs}
        start = perf_counter()
        found = runner(given)
        seconds += perf_counter() - start
        tensors.update(found)
    return tensors, seconds


def other_codes(chains: Sequence[Chain], images: Sequence[NDArray[np.uint8]]) -> tuple[int, int]:
    """How many codes differ, of how many."""
    points = [{spec.name: spec.zero_point or 0 for piece, _ in chain for spec in piece.outputs} for chain in chains]
    other = total = 0
    for image in images:
        one, two = (run(chain, image)[0] for chain in chains)
        for name in points[0]:
            apart = (one[name].astype(np.int64) - points[0][name]) - (two[name].astype(np.int64) - points[1][name])
            other, total = other + int((apart != 0).sum()), total + apart.size
    return other, total


if __name__ == "__main__":
    main()
