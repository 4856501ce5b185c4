"""What the runtime costs beside the engine: `detect` against bare invokes, and stages against the whole graph.

    benchmarks/overhead.py lite-m --data rendered:64@5/192

Converts the model to int8 TFLite, and runs on one thread in LiteRT, taking turns:

- bare: one interpreter for each piece, tensors copied from one to the next, as plain code would; nothing decoded;
- detect: `Session.detect` of pictures that have the input's size, without its pre-processing;
- whole: the uncut graph in one interpreter, all heatmaps read.

Prints medians in milliseconds and the medians of the ratios within a turn; and what one `detect` takes of memory beside
the engine: at most at one moment, and after it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tracemalloc
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from ai_edge_litert.interpreter import Interpreter

from fpm_edge.convert.convert import Calibration, draft_bundle
from fpm_edge.convert.inputs import network_inputs
from fpm_edge.convert.quantized import load_any
from fpm_edge.data import load_dataset
from fpm_edge.shipped import model_folder
from fpm_edge_calibration import MinMax
from fpm_edge_converters import calibrated
from fpm_edge_converters.tflite import to_tflite
from fpm_edge_runtime import Bundle, Session, open_bundle


def interpreter_of(model: bytes) -> Interpreter:
    made = Interpreter(model_content=model, num_threads=1)
    made.allocate_tensors()
    return made


def bare(bundle: Bundle) -> Callable[[Any], None]:
    """Plain code around the pieces, in the order in which they run."""
    steps = []
    for piece in bundle.manifest.pieces["tflite"]:
        made = interpreter_of(bundle.read(piece.member))
        inputs = {detail["name"]: detail["index"] for detail in made.get_input_details()}
        outputs = {detail["name"]: detail["index"] for detail in made.get_output_details()}
        steps.append((made, inputs, outputs))

    def run(image: Any) -> None:
        tensors = {"image": image}
        for made, inputs, outputs in steps:
            for name, index in inputs.items():
                made.set_tensor(index, tensors[name])
            made.invoke()
            for name, index in outputs.items():
                tensors[name] = made.get_tensor(index)

    return run


def whole(model: bytes) -> Callable[[Any], None]:
    made = interpreter_of(model)
    (image_input,) = (detail["index"] for detail in made.get_input_details())
    outputs = [detail["index"] for detail in made.get_output_details()]

    def run(image: Any) -> None:
        made.set_tensor(image_input, image)
        made.invoke()
        for index in outputs:
            made.get_tensor(index)

    return run


def timed(run: Callable[[Any], Any], value: Any) -> float:
    start = perf_counter()
    run(value)
    return (perf_counter() - start) * 1e3


def memory_of(session: Session, images: Sequence[Any]) -> tuple[float, float]:
    """Medians over the images, in bytes: what a call holds at most beside its picture, and what its result holds."""
    most, stays = [], []
    tracemalloc.start()
    for image in images:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        found = session.detect(image)
        after, peak = tracemalloc.get_traced_memory()
        most.append(peak - before)
        stays.append(after - before)
        del found
    tracemalloc.stop()
    return statistics.median(most), statistics.median(stays)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--data", required=True)
    parser.add_argument("--rounds", type=int, default=600)
    arguments = parser.parse_args()
    folder = model_folder(arguments.model)
    loaded, data = load_any(folder), load_dataset(arguments.data)
    chosen = range(len(data))
    inputs = network_inputs(data, chosen, loaded.config)
    calibration = Calibration(data, samples=len(data))
    bundle = open_bundle(draft_bundle(folder, loaded, "int8", calibration, chosen, inputs, ("tflite",)))
    graph = to_tflite(calibrated(loaded.network, inputs, MinMax()), "int8")

    session = bundle.session(threads=1)
    run_bare, run_whole = bare(bundle), whole(graph.cut(graph.inputs, graph.outputs))
    times: dict[str, list[float]] = {"bare": [], "detect": [], "decoding": [], "whole": []}
    for turn in range(-20, arguments.rounds):
        image = inputs[turn % len(inputs)]
        found = session.detect(image).timings
        took = {
            "bare": timed(run_bare, image[None]),
            "detect": found.total_ms - found.preprocess_ms,
            "decoding": found.decode_ms,
            "whole": timed(run_whole, image[None]),
        }
        if turn >= 0:  # the first are warm-up
            for name, value in took.items():
                times[name].append(value)
    for name, values in times.items():
        print(f"{name:<10} {statistics.median(values):7.3f} ms")
    for name, other in (("detect", "bare"), ("bare", "whole")):
        ratios = [a / b for a, b in zip(times[name], times[other], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(f"{name} / {other}   {middle:.4f} (quartiles {low:.4f} to {high:.4f})")
    most, stays = memory_of(session, [inputs[index] for index in chosen])
    print(f"one detect holds at most {most / 1e3:.0f} kB, its result {stays / 1e3:.1f} kB")


if __name__ == "__main__":
    main()
