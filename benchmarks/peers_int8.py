"""Ours beside other quantizers: the same float model, the same calibration pictures, the same test pictures.

    benchmarks/peers/setup.sh litert-quantizer /tmp/peers
    benchmarks/peers/setup.sh nncf /tmp/peers
    benchmarks/peers_int8.py lite-fashionai24 --data rendered:1000@5 --test rendered:300@102 \\
        --peers /tmp/peers -o runs/peers
    benchmarks/peers_int8.py runs/ccp/tuned --data fashionai:CCP --holdout 113 --peers /tmp/peers -o runs/peers-ccp

Every peer is a script in ``benchmarks/peers`` that runs in its own environment on the files of OUTPUT/task: the float
model as SavedModel, TFLite and ONNX, and the calibration inputs. What it writes is run by the engine that it is for,
decoded by the runtime's decoder, and compared with the float TFLite file as `convert` compares. Reports that exist are
not made again. Prints two Markdown tables: what the landmarks lose, and what it costs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import peers_run
import pictures
import tensorflow as tf
from drift_rows import keep, print_rows
from numpy.typing import NDArray

from fpm_edge.data import Dataset
from fpm_edge.inputs import network_inputs
from fpm_edge.predict import drift_between, truth_of
from fpm_edge.quantized import LoadedModel, load_any
from fpm_edge.sampling import calibration_samples
from fpm_edge.shipped import model_folder
from fpm_edge.train.pipeline import Sample, load_sample
from fpm_edge_calibration import MinMax
from fpm_edge_converters import calibrated, export
from fpm_edge_runtime.manifest import Format

SCRIPTS = Path(__file__).parent / "peers"
# Script → the environment it runs in; ours where it has all that is needed.
PEERS = {
    "tensorflow_ptq": "",
    "litert_static": "litert-quantizer",
    "onnxruntime_static": "",
    "nncf_ptq": "nncf",
}
ENGINES = {".tflite": "litert", ".onnx": "onnxruntime", ".xml": "openvino"}
OURS: dict[Format, str] = {"tflite": "ours-tflite", "onnx": "ours-onnx"}
# Ours in the engine that NNCF's files are for.
ALSO = {"ours-tflite": "openvino", "ours-onnx": "openvino"}


@dataclass(frozen=True)
class Entry:
    """A file in an engine; `seconds` of all processors that made it, `lines` of code to be written for it."""

    title: str
    path: Path
    engine: str
    codes: peers_run.Codes | None
    seconds: float
    lines: int


def prepare(loaded: LoadedModel, task: Path, inputs: Sequence[NDArray[np.uint8]]) -> None:
    """The float model in every form that a quantizer starts from, and the calibration inputs."""
    task.mkdir(parents=True, exist_ok=True)
    np.save(task / "calibration.npy", np.stack(inputs))
    exported = export(loaded.network, "float32", ("tflite", "onnx"), inputs[:1])
    for form, (_, data) in exported.wholes.items():
        (task / f"float.{form}").write_bytes(data)
    outputs = {f"heatmap_{t}": output for t, output in enumerate(loaded.network.outputs, start=1)}
    network = tf.keras.Model(loaded.network.input, outputs)
    shape = (1, *loaded.network.input.shape[1:])

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, name="image")])  # type: ignore[untyped-decorator]
    def infer(image: Any) -> Any:
        return network(image, training=False)

    tf.saved_model.save(network, str(task / "saved_model"), signatures=infer.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_saved_model(str(task / "saved_model"))
    (task / "plain.tflite").write_bytes(converter.convert())


def make_ours(loaded: LoadedModel, output: Path, inputs: Sequence[NDArray[np.uint8]]) -> None:
    """Min-max ranges and both formats, checked as `convert` checks them."""
    for form, name in OURS.items():
        start = time.process_time()
        quantized = calibrated(loaded.network, inputs, MinMax())
        piece, data = export(quantized, "int8", (form,), inputs[:2]).wholes[form]
        seconds = time.process_time() - start
        path = output / f"{name}.{form}"
        path.write_bytes(data)
        codes = [(spec.scale, spec.zero_point) for spec in piece.outputs]
        # `fpm-edge convert MODEL --int8 --calibration DATA -o FILE`
        notes = {"file": path.name, "seconds": seconds, "codes": codes, "lines": 1}
        (output / f"{name}.json").write_text(json.dumps(notes))


def make_peers(task: Path, output: Path, environments: Path | None) -> None:
    """Run every peer's script whose environment is there."""
    for script, environment in PEERS.items():
        python = sys.executable
        if environment:
            if environments is None or not (environments / environment).is_dir():
                print(f"{script}: left out, no environment {environment}", file=sys.stderr)
                continue
            python = str(environments / environment / "bin" / "python")
        path = SCRIPTS / f"{script}.py"
        isolated = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} if environment else dict(os.environ)
        with (output / f"{script}.log").open("wb") as log:
            subprocess.run([python, path, task, output], env=isolated, stdout=log, stderr=log, check=False)


def entries(output: Path) -> list[Entry]:
    """What was made, ours first; what went wrong is printed."""
    found = []
    paths = sorted(output.glob("*.json"), key=lambda path: (not path.stem.startswith("ours"), path.stem))
    for path in paths:
        notes = json.loads(path.read_text())
        if "error" in notes:
            print(f"{path.stem}: {notes['error']}", file=sys.stderr)
            continue
        file = output / notes["file"]
        entry = Entry(path.stem, file, ENGINES[file.suffix], notes.get("codes"), notes["seconds"], notes["lines"])
        found.append(entry)
        if entry.title in ALSO:
            title = f"{entry.title} in {ALSO[entry.title]}"
            found.append(Entry(title, file, ALSO[entry.title], entry.codes, entry.seconds, entry.lines))
    return found


def score(listed: Sequence[Entry], task: Path, reports: Path, loaded: LoadedModel, test: Dataset) -> list[Sample]:
    """Write the missing reports. Returns the test samples."""
    samples = [load_sample(test, index, loaded.config) for index in range(len(test))]
    count, stride = len(loaded.config.schema.landmarks), loaded.config.stride
    reports.mkdir(exist_ok=True)
    expected = peers_run.predict(peers_run.load(task / "float.tflite", "litert", 1, None), samples, count, stride)
    for entry in listed:
        path = reports / f"{entry.title}.json"
        if path.exists():
            continue
        found = peers_run.predict(peers_run.load(entry.path, entry.engine, 1, entry.codes), samples, count, stride)
        keep(path, drift_between(found, expected, truth_of(test), test.schema))
    return samples


def latency(
    listed: Sequence[Entry], task: Path, samples: Sequence[Sample], rounds: int
) -> dict[str, tuple[float, float]]:
    """Median wall and processor milliseconds of an input in one thread; a round runs every file twice, timing one."""
    runners = {entry.title: peers_run.load(entry.path, entry.engine, 1, entry.codes) for entry in listed}
    runners["float"] = peers_run.load(task / "float.tflite", "litert", 1, None)
    wall: dict[str, list[float]] = {title: [] for title in runners}
    busy: dict[str, list[float]] = {title: [] for title in runners}
    for number in range(rounds + 3):
        image = samples[number % len(samples)].image
        for title, runner in runners.items():
            runner.invoke(image)
            begun, begun_busy = time.perf_counter(), time.process_time()
            runner.invoke(image)
            if number >= 3:
                wall[title].append(1e3 * (time.perf_counter() - begun))
                busy[title].append(1e3 * (time.process_time() - begun_busy))
    return {title: (statistics.median(wall[title]), statistics.median(busy[title])) for title in runners}


def print_costs(listed: Sequence[Entry], times: dict[str, tuple[float, float]]) -> None:
    base = times[OURS["tflite"]]
    print("\n| file | engine | kB | ms | × ours, TFLite | processor ms | × | conversion, processor s | lines |")
    print(f"|{'---|' * 9}")
    for entry in listed:
        size = sum(path.stat().st_size for path in (entry.path, entry.path.with_suffix(".bin")) if path.exists())
        ms, busy = times[entry.title]
        cells = (
            entry.title,
            entry.engine,
            f"{size / 1e3:.0f}",
            f"{ms:.1f}",
            f"{ms / base[0]:.2f}",
            f"{busy:.1f}",
            f"{busy / base[1]:.2f}",
            f"{entry.seconds:.0f}",
            str(entry.lines),
        )
        print(f"| {' | '.join(cells)} |")
    ms, busy = times["float"]
    print(f"| float | litert | | {ms:.1f} | {ms / base[0]:.2f} | {busy:.1f} | {busy / base[1]:.2f} | | |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    pictures.add_options(parser)
    parser.add_argument("--samples", type=int, default=128, help="calibration pictures")
    parser.add_argument("--peers", type=Path, help="folder of the environments of peers/setup.sh")
    parser.add_argument("--rounds", type=int, default=50, help="of the latency measurement")
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    data, test = pictures.load(parser, arguments)
    loaded = load_any(model_folder(arguments.model))
    task, files = arguments.output / "task", arguments.output / "files"
    if not files.is_dir():
        chosen = calibration_samples(data, arguments.samples, "stratified", 0, loaded.config, loaded.network)
        inputs = network_inputs(data, chosen, loaded.config)
        prepare(loaded, task, inputs)
        files.mkdir()
        make_ours(loaded, files, inputs)
        make_peers(task, files, arguments.peers)
    listed = entries(files)
    samples = score(listed, task, arguments.output / "reports", loaded, test)
    print_rows((entry.title, arguments.output / "reports" / f"{entry.title}.json") for entry in listed)
    print_costs(listed, latency(listed, task, samples, arguments.rounds))


if __name__ == "__main__":
    main()
