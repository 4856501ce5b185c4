"""What 294 landmarks cost on a device, beside 24: memory of the int8 heatmaps, time of the engine, time of decoding.

    benchmarks/many_landmarks.py            a table for lite-s and lite-m
    benchmarks/many_landmarks.py --json     the same as JSON on standard output

The networks are untrained, as neither memory nor the engine's time depends on the weights, and run on one thread in
LiteRT. What decoding takes depends on the maps, so it reads maps that are made here: Gaussians in int8, as a trained
network gives them, in every map ("all"), or in those of one garment while the others are silent ("garment") or hold
noise of a code or two ("faint": the largest code is then in many places).
Both schemas take turns; medians after a warm-up, and the median ratio within a turn. Decoding is in process time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tf_keras
from numpy.typing import NDArray

from fpm_edge.convert.convert import Calibration, draft_bundle
from fpm_edge.convert.inputs import network_inputs
from fpm_edge.convert.quantized import load_any
from fpm_edge.data import Dataset, Record, load_dataset
from fpm_edge.model import preset
from fpm_edge.model.network import build_model
from fpm_edge.model.store import save_model
from fpm_edge_runtime import Bundle, LandmarkSchema, Session, load_schema, open_bundle
from fpm_edge_runtime.pixels.decode import read_heatmaps

PRESETS = ("lite-s", "lite-m")
# Few landmarks and many, and the garment of each that has most.
SCHEMAS = {"fashionai24": "dress", "deepfashion2": "long_sleeve_outwear"}
PICTURES = 16
WARM_UP = 10
# Peaks as the lite networks are trained to give, and faint noise: decoding must find a maximum, not read it off.
SIGMA, NOISE, FAINT = 1.2, 0.01, 0.002
SCALE, ZERO_POINT = 1 / 255, -128


@dataclass(frozen=True)
class Cost:
    """Of one network.

    Attributes:
        preset, landmarks: which.
        map_bytes: int8 heatmaps of one stage, background included.
        bundle_bytes: the TFLite stages together.
        holds_bytes: what one `detect` holds in Python at most, beside its picture.
        engine_ms: all stages, without pre-processing and decoding.
        decode_all_ms, decode_garment_ms, decode_faint_ms: decoding the maps of one stage.
    """

    preset: str
    landmarks: int
    map_bytes: int
    bundle_bytes: int
    holds_bytes: float
    engine_ms: float
    decode_all_ms: float
    decode_garment_ms: float
    decode_faint_ms: float


def drawn(schema: LandmarkSchema, category: str, side: int) -> Dataset:
    """Drawn garments under the names of `schema`: only their pixels matter here."""
    count = len(schema.landmarks)
    visibility = np.full(count, -1, np.int8)
    visibility[list(schema.categories[category])] = 1
    landmarks = np.where(visibility[:, None] > 0, side / 2, -1).astype(np.float32).repeat(2, axis=1)
    records = load_dataset(f"rendered:{PICTURES}@5/{side}").records
    renamed = tuple(Record(each.image, category, landmarks, visibility, each.identifier) for each in records)
    return Dataset(renamed, schema, "drawn")


def untrained(name: str, schema: LandmarkSchema, category: str) -> tuple[Bundle, Any]:
    """The int8 bundle of a preset as it is before training, and a picture of the size of its input."""
    tf_keras.utils.set_random_seed(0)
    # As `lite-s` was when docs/results/many-landmarks.md was measured (decision 0030).
    config = preset(name, schema, input_size=(128, 128) if name == "lite-s" else None)
    data = drawn(schema, category, config.input_width)
    with tempfile.TemporaryDirectory() as folder:
        save_model(Path(folder), config, build_model(config))
        loaded = load_any(Path(folder))
        inputs = network_inputs(data, range(PICTURES), loaded.config)
        calibration = Calibration(data, samples=PICTURES)
        content = draft_bundle(Path(folder), loaded, "int8", calibration, range(PICTURES), inputs, ("tflite",))
    return open_bundle(content), inputs[0]


def made_maps(bundle: Bundle, members: set[int], noise: float) -> NDArray[np.int8]:
    """(height, width, landmarks + 1) codes: a Gaussian at a random place in the maps of `members`, noise in others."""
    geometry, count = bundle.manifest.geometry, len(bundle.manifest.landmarks.landmarks)
    height, width = geometry.input_height // geometry.stride, geometry.input_width // geometry.stride
    dice = np.random.default_rng(0)
    rows, columns = np.mgrid[:height, :width]
    maps = noise * np.abs(dice.normal(size=(height, width, count + 1)))
    for index in members:
        x, y = dice.uniform(2, width - 3), dice.uniform(2, height - 3)
        maps[..., index] = 0.9 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * SIGMA**2))
        maps[..., index] += NOISE * np.abs(dice.normal(size=(height, width)))
    return (np.rint(maps.clip(0, 1) / SCALE) + ZERO_POINT).astype(np.int8)


def decoder(bundle: Bundle, members: set[int], noise: float = 0.0) -> Callable[[], object]:
    maps, count = made_maps(bundle, members, noise), len(bundle.manifest.landmarks.landmarks)
    return lambda: read_heatmaps(maps, layout="NHWC", landmarks=count, scale=SCALE, zero_point=ZERO_POINT)


def timed(run: Callable[[], object]) -> float:
    """Milliseconds of process time, so that other processes on the machine matter less."""
    start = process_time()
    run()
    return (process_time() - start) * 1e3


def held(session: Session, image: Any) -> float:
    """Bytes that one call holds at most beside its picture."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    session.detect(image)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak - before


def map_bytes(bundle: Bundle) -> int:
    """Of the first stage's heatmaps; those of every stage are as large."""
    tensors = (spec for piece in bundle.manifest.pieces["tflite"] for spec in piece.outputs)
    spec = next(spec for spec in tensors if spec.name == "heatmap_1")
    assert spec.dtype == "int8"
    return int(np.prod(spec.shape))


def measure(name: str, rounds: int) -> tuple[list[Cost], dict[str, float]]:
    """The costs with few and many landmarks, and the median ratios, many / few."""
    cases = []
    for schema_name, category in SCHEMAS.items():
        schema = load_schema(schema_name)
        bundle, image = untrained(name, schema, category)
        everything, garment = set(range(len(schema.landmarks))), set(schema.categories[category])
        cases.append((bundle, bundle.session("litert", threads=1), image, everything, garment))
    decoders = [
        {"all": decoder(bundle, every), "garment": decoder(bundle, one), "faint": decoder(bundle, one, FAINT)}
        for bundle, _, _, every, one in cases
    ]
    times: list[dict[str, list[float]]] = [{key: [] for key in ("engine", *each)} for each in decoders]
    for turn in range(-WARM_UP, rounds):
        for (_, session, image, _, _), each, took in zip(cases, decoders, times, strict=True):
            values = {"engine": sum(session.detect(image).timings.pieces.values())}
            values |= {key: timed(run) for key, run in each.items()}
            if turn >= 0:
                for key, value in values.items():
                    took[key].append(value)
    costs = [
        Cost(
            preset=name,
            landmarks=len(every),
            map_bytes=map_bytes(bundle),
            bundle_bytes=sum(len(bundle.read(piece.member)) for piece in bundle.manifest.pieces["tflite"]),
            holds_bytes=held(session, image),
            engine_ms=statistics.median(took["engine"]),
            decode_all_ms=statistics.median(took["all"]),
            decode_garment_ms=statistics.median(took["garment"]),
            decode_faint_ms=statistics.median(took["faint"]),
        )
        for (bundle, session, image, every, _), took in zip(cases, times, strict=True)
    ]
    few, many = times
    return costs, {key: statistics.median(b / a for a, b in zip(few[key], many[key], strict=True)) for key in few}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results = {name: measure(name, arguments.rounds) for name in PRESETS}
    if arguments.json:
        print(
            json.dumps({name: [[asdict(cost) for cost in costs], ratios] for name, (costs, ratios) in results.items()})
        )
        return
    print("                   maps of a  stages  detect   engine  decoding: all  garment  faint")
    print("network landmarks  stage, kB      MB  holds, kB     ms             ms       ms     ms")
    for name, (costs, ratios) in results.items():
        for cost in costs:
            times = (cost.engine_ms, cost.decode_all_ms, cost.decode_garment_ms, cost.decode_faint_ms)
            show(
                name, str(cost.landmarks), cost.map_bytes / 1e3, cost.bundle_bytes / 1e6, cost.holds_bytes / 1e3, times
            )
        few, many = costs
        sizes = (
            many.map_bytes / few.map_bytes,
            many.bundle_bytes / few.bundle_bytes,
            many.holds_bytes / few.holds_bytes,
        )
        show("", "ratio", *sizes, tuple(ratios.values()))


def show(name: str, what: str, maps: float, stages: float, holds: float, times: tuple[float, ...]) -> None:
    """One line of the table."""
    engine, every, garment, faint = times
    print(
        f"{name:<7} {what:>9} {maps:10.1f} {stages:7.2f} {holds:10.0f} {engine:6.2f} {every:14.2f} {garment:8.2f} "
        f"{faint:6.2f}"
    )


if __name__ == "__main__":
    main()
