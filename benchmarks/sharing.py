"""What sharing tensors between the pieces and the engine gains, or would gain, over copying them.

    benchmarks/sharing.py lite.fpm

For each engine, on one thread, taking turns: all pieces as the runtime's engines run them, and

- onnxruntime, which copies nothing as it is: with IOBinding, every tensor in a buffer that both pieces know, nothing
  allocated either, and answers that the next picture overwrites;
- openvino, which writes into arrays of ours that the next piece reads: with its own outputs copied instead;
- litert: the copies alone, without running anything. Its Python interface has no way to share: it does not run while
  somebody holds a view of one of its tensors.

Prints medians in milliseconds, and the median of the ratio within a turn.
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import onnxruntime
import openvino
from numpy.typing import NDArray

from fpm_edge_runtime import Bundle, open_bundle
from fpm_edge_runtime.bundle.manifest import Format, Piece
from fpm_edge_runtime.bundle.tensors import arranged
from fpm_edge_runtime.engines import PieceRunner, load_engine

Tensors = dict[str, NDArray[Any]]


def runners(bundle: Bundle, engine: str, form: Format) -> list[tuple[Piece, Any]]:
    loaded = load_engine(engine)
    return [(piece, loaded.load(piece, bundle.read(piece.member), 1)) for piece in bundle.manifest.pieces[form]]


def one_after_the_other(pieces: list[tuple[Piece, PieceRunner]]) -> Callable[[Tensors], Tensors]:
    """As `Session` does, for pieces of one precision."""

    def run(image: Tensors) -> Tensors:
        tensors = dict(image)
        for _, runner in pieces:
            tensors.update(runner(tensors))
        return tensors

    return run


def bound(pieces: list[tuple[Piece, Any]], known: Mapping[str, NDArray[Any]]) -> Callable[[Tensors], Tensors]:
    """ONNX Runtime with every tensor bound once."""
    values = {name: onnxruntime.OrtValue.ortvalue_from_numpy(value) for name, value in known.items()}
    bindings = []
    for piece, runner in pieces:
        binding = runner._session.io_binding()
        for spec in piece.inputs:
            binding.bind_ortvalue_input(spec.name, values[spec.name])
        for spec in piece.outputs:
            binding.bind_ortvalue_output(spec.name, values[spec.name])
        bindings.append((runner._session, binding))

    def run(image: Tensors) -> Tensors:
        values["image"].update_inplace(image["image"])
        for session, binding in bindings:
            session.run_with_iobinding(binding)
        return {name: value.numpy() for name, value in values.items()}

    return run


def copied_out(pieces: list[tuple[Piece, Any]]) -> Callable[[Tensors], Tensors]:
    """OpenVINO, with outputs of its own, of which we take copies."""

    def run(image: Tensors) -> Tensors:
        tensors = dict(image)
        for _, runner in pieces:
            for name, port in runner._inputs.items():
                runner._request.set_tensor(port, openvino.Tensor(tensors[name], shared_memory=True))
            runner._request.infer()
            for name, port, _, _ in runner._outputs:
                tensors[name] = np.array(runner._request.get_tensor(port).data)
        return tensors

    return run


def copies(pieces: list[tuple[Piece, Any]], known: Mapping[str, NDArray[Any]]) -> Callable[[], None]:
    """What LiteRT's runners do beside running."""

    def run() -> None:
        for _, runner in pieces:
            for name, index in runner._inputs:
                runner._interpreter.set_tensor(index, known[name])
            for _, index in runner._outputs:
                runner._interpreter.get_tensor(index)

    return run


def timed(run: Callable[[], Any]) -> float:
    start = perf_counter()
    run()
    return (perf_counter() - start) * 1e3


def compare(name: str, plain: list[float], other: list[float], what: str, *, share: bool = False) -> None:
    ratio = statistics.median(b / a for a, b in zip(plain, other, strict=True))
    words = f"{ratio:.2%} of it" if share else f"ratio {ratio:.4f}"
    print(f"{name:<12} {statistics.median(plain):7.3f} ms; {what} {statistics.median(other):7.3f} ms, {words}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--rounds", type=int, default=400)
    arguments = parser.parse_args()
    bundle = open_bundle(arguments.bundle)
    geometry = bundle.manifest.geometry
    size = (1, geometry.input_height, geometry.input_width, 3)
    picture = np.random.default_rng(0).integers(0, 256, size).astype(np.uint8)
    onnx = runners(bundle, "onnxruntime", "onnx")
    vino, lite = runners(bundle, "openvino", "tflite"), runners(bundle, "litert", "tflite")
    first = onnx[0][0].inputs[0]
    given = {"image": arranged(picture, None, first)}
    plain = one_after_the_other(onnx)
    known = plain(given)
    shared = bound(onnx, known)
    # With requests of its own: one keeps the arrays that it was given.
    vino_plain, vino_copied = one_after_the_other(vino), copied_out(runners(bundle, "openvino", "tflite"))
    lite_plain = one_after_the_other(lite)
    image = {"image": picture}
    lite_known = lite_plain(image)
    lite_copies = copies(lite, lite_known)
    for mine, theirs in ((known, shared(given)), (vino_plain(image), vino_copied(image))):
        if any(not np.array_equal(mine[name], theirs[name]) for name in mine):
            raise SystemExit("the two ways do not give the same tensors")
    tasks: dict[str, Callable[[], Any]] = {
        "ort": partial(plain, given),
        "bound": partial(shared, given),
        "vino": partial(vino_plain, image),
        "copied": partial(vino_copied, image),
        "lite": partial(lite_plain, image),
        "copies": lite_copies,
    }
    times: dict[str, list[float]] = {name: [] for name in tasks}
    # In another order each time: what runs after its like finds the caches full of what it needs.
    shuffled = random.Random(0)
    for turn in range(-20, arguments.rounds):
        for name in shuffled.sample(list(tasks), len(tasks)):
            took = timed(tasks[name])
            if turn >= 0:  # the first are warm-up
                times[name].append(took)
    compare("onnxruntime", times["ort"], times["bound"], "with IOBinding")
    compare("openvino", times["vino"], times["copied"], "copied out")
    compare("litert", times["lite"], times["copies"], "of it copies", share=True)


if __name__ == "__main__":
    main()
