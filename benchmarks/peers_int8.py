"""Ours beside other quantizers: the same float model, the same calibration pictures, the same test pictures.

    for peer in litert-quantizer nncf onnx2tf ncnn mnn; do benchmarks/peers/setup.sh $peer /tmp/peers; done
    benchmarks/peers_int8.py lite-m --data rendered:1000@5/192 --test rendered:300@102/192 \\
        --peers /tmp/peers -o runs/peers
    benchmarks/peers_table.py runs/peers                  # the tables again, from what was kept
    benchmarks/peers_int8.py runs/ccp/tuned --data fashionai:CCP --holdout 113 --peers /tmp/peers -o runs/peers-ccp

Every peer is a script in ``benchmarks/peers`` that runs in its own environment on the files of OUTPUT/task: the float
model as SavedModel, TFLite and ONNX, and the calibration inputs. What it writes is run by the engine that it is for,
decoded by the runtime's decoder, and compared with the float TFLite file as `convert` compares. What exists is not
made again. Prints two Markdown tables: what the landmarks lose, and what it costs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import peers_run
import pictures
import tensorflow as tf
from drift_rows import keep, print_rows
from numpy.typing import NDArray
from peers_table import print_costs
from peers_turns import Turns, interleaved
from PIL import Image

from fpm_edge.accuracy.predict import drift_between, truth_of
from fpm_edge.convert.inputs import network_inputs
from fpm_edge.convert.quantized import LoadedModel, load_any
from fpm_edge.convert.sampling import calibration_samples
from fpm_edge.data import Dataset
from fpm_edge.shipped import model_folder
from fpm_edge.train.pipeline import Sample, load_sample
from fpm_edge_calibration import MinMax
from fpm_edge_converters import assign_kernel_ranges, calibrated, export
from fpm_edge_runtime.bundle.manifest import Format
from fpm_edge_runtime.files import write_atomically

SCRIPTS = Path(__file__).parent / "peers"
# Script → the environment it runs in; ours where it has all that is needed.
PEERS = {
    "tensorflow_ptq": "",
    "litert_static": "litert-quantizer",
    "onnxruntime_static": "",
    "nncf_ptq": "nncf",
    "onnx2tf_ptq": "onnx2tf",
    "ncnn_convert": "ncnn",
    "mnn_convert": "mnn",
}
ENGINES = {".tflite": "litert", ".onnx": "onnxruntime", ".xml": "openvino", ".param": "ncnn", ".mnn": "mnn"}
# Engines that run in their own environments, as they need other versions of numpy or bring much with them.
APART = ("ncnn", "mnn")
# Name → format, and bits of the kernels (decision 0028).
OURS: dict[str, tuple[Format, Literal[7, 8]]] = {
    "ours-tflite": ("tflite", 8),
    "ours-onnx": ("onnx", 8),
    "ours-7bit-tflite": ("tflite", 7),
    "ours-7bit-onnx": ("onnx", 7),
}
MEASURE = "ours-tflite"  # what times are compared with
# Ours in the engine that NNCF's files are for.
ALSO = {"ours-tflite": "openvino", "ours-onnx": "openvino", "ours-7bit-tflite": "openvino"}


@dataclass(frozen=True)
class Entry:
    """A file in an engine, which runs in this process or by `python`."""

    title: str
    path: Path
    engine: str
    codes: peers_run.Codes | None
    python: Path | None

    def load(self) -> peers_run.Runner:
        """Ready to run in one thread."""
        return peers_run.load(self.path, self.engine, 1, self.codes, self.python)


def prepare(loaded: LoadedModel, task: Path, inputs: Sequence[NDArray[np.uint8]]) -> None:
    """The float model in every form that a quantizer starts from, and the calibration inputs."""
    task.mkdir(parents=True, exist_ok=True)
    np.save(task / "calibration.npy", np.stack(inputs))
    (task / "pictures").mkdir()
    for number, picture in enumerate(inputs):
        Image.fromarray(picture).save(task / "pictures" / f"{number:04}.png")
    exported = export(loaded.network, "float32", ("tflite", "onnx"), inputs[:1])
    for form, (_, data) in exported.wholes.items():
        (task / f"float.{form}").write_bytes(data)
    outputs = [f"heatmap_{stage}" for stage in range(1, loaded.config.stages + 1)]
    write_saved_model(loaded.network, task)
    names = ",".join(outputs)
    options = ("--opset", "17", "--inputs-as-nchw", "image", "--outputs-as-nchw", names)
    files = ("--saved-model", task / "saved_model", "--output", task / "plain.onnx")
    subprocess.run([sys.executable, "-m", "tf2onnx.convert", *files, *options], check=True, stderr=subprocess.DEVNULL)


def write_saved_model(network: tf.keras.Model, folder: Path) -> None:
    """`saved_model`, of one picture, and `plain.tflite`, made of it in float; outputs keep their layers' names."""
    shape = (1, *network.input.shape[1:])
    named = tf.keras.Model(network.input, dict(zip(network.output_names, network.outputs, strict=True)))

    @tf.function(input_signature=[tf.TensorSpec(shape, tf.float32, name="image")])  # type: ignore[untyped-decorator]
    def infer(image: Any) -> Any:
        return named(image, training=False)

    tf.saved_model.save(named, str(folder / "saved_model"), signatures=infer.get_concrete_function())
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder / "saved_model"))
    (folder / "plain.tflite").write_bytes(converter.convert())


def make_ours(loaded: LoadedModel, output: Path, inputs: Sequence[NDArray[np.uint8]]) -> None:
    """Min-max ranges and both formats, checked as `convert` checks them."""
    for name, (form, bits) in OURS.items():
        start = time.process_time()
        quantized = calibrated(loaded.network, inputs, MinMax())
        assign_kernel_ranges(quantized, bits)
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


def entries(output: Path, environments: Path | None) -> list[Entry]:
    """What was made, ours first."""
    found = []
    for path in sorted(output.glob("*.json"), key=lambda path: (not path.stem.startswith("ours"), path.stem)):
        notes = json.loads(path.read_text())
        if "error" in notes:
            continue
        file = output / notes["file"]
        engine = ENGINES[file.suffix]
        python = None
        if engine in APART:
            if environments is None:
                print(f"{path.stem}: left out, no environment {engine}", file=sys.stderr)
                continue
            python = environments / engine / "bin" / "python"
        entry = Entry(path.stem, file, engine, notes.get("codes"), python)
        found.append(entry)
        if entry.title in ALSO:
            found.append(replace(entry, title=f"{entry.title} in {ALSO[entry.title]}", engine=ALSO[entry.title]))
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
        found = peers_run.predict(entry.load(), samples, count, stride)
        keep(path, drift_between(found, expected, truth_of(test), test.schema))
    return samples


def measure(listed: Sequence[Entry], task: Path, samples: Sequence[Sample], rounds: int) -> dict[str, Turns]:
    """Every file's turns in one thread; a round runs every file twice and times the second."""
    runners = {entry.title: entry.load() for entry in listed}
    runners["float"] = peers_run.load(task / "float.tflite", "litert", 1, None)
    return interleaved({title: (runner.invoke, runner.seconds) for title, runner in runners.items()}, samples, rounds)


def keep_costs(path: Path, listed: Sequence[Entry], files: Path, turns: dict[str, Turns]) -> None:
    """Sizes and times by title, and what was not made, with the reason."""
    costs: dict[str, Any] = {}
    for entry in listed:
        notes = json.loads((files / f"{entry.path.stem}.json").read_text())
        parts = [part for part in (entry.path, entry.path.with_suffix(".bin")) if part.exists()]
        costs[entry.title] = {
            "engine": entry.engine,
            "bytes": sum(part.stat().st_size for part in parts),
            "seconds": notes["seconds"],
            "lines": notes["lines"],
        }
    costs["float"] = {"engine": "litert", "bytes": (files.parent / "task" / "float.tflite").stat().st_size}
    for title, cost in costs.items():
        cost |= turns[title].against(turns[MEASURE])
    for notes_path in sorted(files.glob("*.json")):
        notes = json.loads(notes_path.read_text())
        if "error" in notes:
            costs[notes_path.stem] = {"error": notes["error"], "lines": notes["lines"]}
    write_atomically(path, json.dumps(costs, indent=1))


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
    listed = entries(files, arguments.peers)
    samples = score(listed, task, arguments.output / "reports", loaded, test)
    keep_costs(arguments.output / "costs.json", listed, files, measure(listed, task, samples, arguments.rounds))
    print_rows((entry.title, arguments.output / "reports" / f"{entry.title}.json") for entry in listed)
    print_costs(arguments.output)


if __name__ == "__main__":
    main()
