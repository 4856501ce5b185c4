"""Where the time of `fpm-edge convert` goes: each part's own seconds, of one conversion in this process.

    benchmarks/convert_parts.py lite-m --int8 --calibration rendered:96@2/192 -o lite.fpm

Arguments are those of `fpm-edge convert`. What a part calls that is a part of its own does not count for it. The first
row is what any program takes that imports TensorFlow.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Callable
from functools import wraps
from time import perf_counter
from typing import Any

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# Label → functions, where they are called from.
PARTS = {
    "the network, built and its weights read": ("fpm_edge.convert.convert:load_any",),
    "pictures read or drawn": ("fpm_edge.train.pipeline:read_image", "fpm_edge.accuracy.kept_pictures:read_image"),
    "a copy with quantizers": ("fpm_edge_converters.observe:fake_quantized",),
    "the float network on calibration pictures": ("fpm_edge_converters.observe:observe_ranges",),
    "TensorFlow's converter, int8 and float": ("fpm_edge_converters.export:to_tflite",),
    "tf2onnx": ("fpm_edge_converters.onnx_export:from_tflite",),
    "ONNX: names, codes, checks": (
        "fpm_edge_converters.export:to_onnx",
        "fpm_edge_converters.export:cut_onnx",
        "fpm_edge_converters.export:check_optimized_onnx",
        "fpm_edge_converters.export:check_plain_onnx",
    ),
    "stages against the whole graph": ("fpm_edge_converters.export:_check_staged",),
    "drift: three bundles on the scored pictures": (
        "fpm_edge.convert.convert:predict_session",
        "fpm_edge.convert.convert:drift_between",
    ),
    "golden cases": ("fpm_edge.convert.convert:golden_members",),
    "categories, confidences, stopping": (
        "fpm_edge.convert.convert:fit_recognition",
        "fpm_edge.convert.convert:fit_convergence",
    ),
}


class Clock:
    """Seconds of each part by itself."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inner: list[float] = []

    @contextlib.contextmanager
    def part(self, label: str) -> Any:
        self._inner.append(0.0)
        start = perf_counter()
        try:
            yield
        finally:
            took = perf_counter() - start
            self.seconds[label] = self.seconds.get(label, 0.0) + took - self._inner.pop()
            if self._inner:
                self._inner[-1] += took

    def wrap(self, label: str, place: str) -> None:
        module, name = place.split(":")
        found = importlib.import_module(module)
        function: Callable[..., Any] = getattr(found, name)

        @wraps(function)
        def timed(*arguments: Any, **options: Any) -> Any:
            with self.part(label):
                return function(*arguments, **options)

        setattr(found, name, timed)


def main() -> None:
    clock = Clock()
    start = perf_counter()
    with clock.part("import of TensorFlow"):
        importlib.import_module("tensorflow")
    with clock.part("import of tf_keras, tfmot, tf2onnx, ONNX, ONNX Runtime and our own"):
        program = importlib.import_module("fpm_edge.__main__")
        importlib.import_module("fpm_edge.cli.convert")
    for label, places in PARTS.items():
        for place in places:
            clock.wrap(label, place)
    with contextlib.suppress(SystemExit):
        program.main(["convert", *sys.argv[1:]])
    clock.seconds["all else"] = perf_counter() - start - sum(clock.seconds.values())
    total = sum(clock.seconds.values())
    print("\n| part | seconds | share |\n|---|---|---|")
    for label, seconds in (*clock.seconds.items(), ("together", total)):
        print(f"| {label} | {seconds:.2f} | {seconds / total:.0%} |")


if __name__ == "__main__":
    main()
