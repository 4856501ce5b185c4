"""Do other people's tools measure what `fpm-edge bench` measures? The same files, side by side.

    benchmarks/latency_crosscheck.py mine.fpm --rounds 10 --runs 60

Ours are the times of each piece of `bench` while whole queries run (`Row.parts.pieces`), one thread; and of the same
engine with one piece alone, in a loop, on random numbers. The latter is what their tools do:

- `litert-benchmark`, the tool of the package ai-edge-litert, a process for each piece and turn. It uses LiteRT's
  CompiledModel, as our engine `litert-compiled` does; our default engine `litert` uses the Interpreter.
- ONNX Runtime's own profiler (``enable_profiling``): the duration of its ``model_run`` events, with the options of our
  engine `onnxruntime`.

All take turns, in a new order each round. Prints for each piece the fastest time that the tool found; ours, alone and
in queries, ÷ theirs of the fastest times, which others on a busy machine hurt least; and of the medians within each
round (geometric mean, 95 % bootstrap bounds).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import onnxruntime

from fpm_edge.bench import Settings, synthetic_frames
from fpm_edge.bench.spread import ratio_of
from fpm_edge.bench.stream import Stream
from fpm_edge.bench.turns import in_turns
from fpm_edge_runtime import Bundle, PieceRunner, load_engine, open_bundle
from fpm_edge_runtime.bundle.manifest import Piece
from fpm_edge_runtime.engines.onnxruntime import session_options

WARM_UP = 20

# Our engine → the tool that runs the same files.
THEIRS = {"litert-compiled": "litert-benchmark", "litert": "litert-benchmark", "onnxruntime": "profiler"}

# piece → (median, fastest), milliseconds, of one turn
Turn = Mapping[str, tuple[float, float]]


@dataclass
class Times:
    """Of one competitor and piece, by round."""

    medians: list[float] = field(default_factory=list)
    fastest: float = float("inf")

    def add(self, middle: float, least: float) -> None:
        self.medians.append(middle)
        self.fastest = min(self.fastest, least)


def ours(bundle: Bundle, engine: str, runs: int, rounds: int) -> Callable[[], Turn]:
    """A turn of `bench` with all stages, as it is."""
    stream = Stream(bundle.session(engine, 1), bundle.stages, synthetic_frames(640, 480))
    settings = Settings(queries=runs * rounds, seconds=0.0, turns=rounds)

    def turn() -> Turn:
        before = len(stream.total)
        stream.turn(settings)
        return {name: (median(times[before:]), min(times[before:])) for name, times in stream.pieces.items()}

    return turn


def alone(bundle: Bundle, engine: str, runs: int) -> Callable[[], Turn]:
    """The same engine, one piece after the other, each in a loop."""
    loaded = load_engine(engine)
    pieces = bundle.manifest.pieces[loaded.formats[0]]
    ready = [(piece, loaded.load(piece, bundle.read(piece.member), 1), random_inputs(piece)) for piece in pieces]

    def timed(run: PieceRunner, inputs: Mapping[str, Any]) -> tuple[float, float]:
        times = []
        for _ in range(WARM_UP + runs):
            start = perf_counter()
            run(inputs)
            times.append((perf_counter() - start) * 1e3)
        return median(times[WARM_UP:]), min(times[WARM_UP:])

    return lambda: {piece.name: timed(run, inputs) for piece, run, inputs in ready}


def random_inputs(piece: Piece) -> dict[str, Any]:
    dice = np.random.default_rng(0)
    return {spec.name: dice.uniform(0, 127, spec.shape).astype(np.dtype(spec.dtype)) for spec in piece.inputs}


def litert_benchmark(files: Mapping[str, Path], runs: int) -> Callable[[], Turn]:
    """LiteRT's tool on each file."""
    tool = Path(sys.executable).with_name("litert-benchmark")
    if not tool.is_file():
        sys.exit(f"{tool} is missing: it comes with pip install -U ai-edge-litert (tried: 2.3.0)")

    def turn() -> Turn:
        found = {}
        for name, path in files.items():
            result = path.with_suffix(".json")
            options = f"--num_threads 1 --num_runs {runs} --warmup_runs {WARM_UP}".split()
            subprocess.run([tool, "--model", path, *options, "--result_json", result], check=True, capture_output=True)
            latency = json.loads(result.read_text())["latency"]
            found[name] = (latency["median_ms"], latency["min_ms"])
        return found

    return turn


def onnx_profiler(pieces: Mapping[str, tuple[Piece, bytes]], runs: int, folder: Path) -> Callable[[], Turn]:
    """ONNX Runtime's profile of each model."""

    def profiled(piece: Piece, model: bytes) -> tuple[float, float]:
        options = session_options(1)
        options.enable_profiling = True
        options.profile_file_prefix = str(folder / piece.name)
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        inputs = random_inputs(piece)
        for _ in range(WARM_UP + runs):
            session.run(None, inputs)
        trace = Path(session.end_profiling())
        events = json.loads(trace.read_text())
        trace.unlink()
        times = [event["dur"] / 1e3 for event in events if event["name"] == "model_run"][WARM_UP:]
        return median(times), min(times)

    return lambda: {name: profiled(piece, model) for name, (piece, model) in pieces.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--runs", type=int, default=60)
    arguments = parser.parse_args()
    bundle, runs, rounds = open_bundle(arguments.bundle), arguments.runs, arguments.rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = {}
        for piece in bundle.manifest.pieces["tflite"]:
            files[piece.name] = folder / f"{piece.name}.tflite"
            files[piece.name].write_bytes(bundle.read(piece.member))
        models = {piece.name: (piece, bundle.read(piece.member)) for piece in bundle.manifest.pieces["onnx"]}
        competitors: dict[str, Callable[[], Turn]] = {
            "litert-benchmark": litert_benchmark(files, runs),
            "profiler": onnx_profiler(models, runs, folder),
        }
        for engine in THEIRS:
            competitors[engine] = ours(bundle, engine, runs, rounds)
            competitors[f"{engine} alone"] = alone(bundle, engine, runs)
        names = list(competitors)
        found: dict[str, dict[str, Times]] = {name: {} for name in names}
        for _, index in in_turns(len(names), rounds):
            for piece_name, (middle, least) in competitors[names[index]]().items():
                found[names[index]].setdefault(piece_name, Times()).add(middle, least)
    print("| piece | ours | theirs | fastest, ms | alone | in queries | alone, medians | in queries, medians |")
    print("|---|---|---|---|---|---|---|---|")
    for engine, tool in THEIRS.items():
        for piece_name, theirs in found[tool].items():
            mine = [found[name][piece_name] for name in (f"{engine} alone", engine)]
            fastest = " | ".join(f"{one.fastest / theirs.fastest:.2f}" for one in mine)
            ratios = [ratio_of(one.medians, theirs.medians, 0) for one in mine]
            medians = " | ".join(f"{one.estimate:.2f} ({one.lower:.2f} to {one.upper:.2f})" for one in ratios)
            print(f"| `{piece_name}` | `{engine}` | {tool} | {theirs.fastest:.3f} | {fastest} | {medians} |")


if __name__ == "__main__":
    main()
