"""Where a frame's time goes beside its network: a stamp after every statement, after a network that emptied the caches.

    benchmarks/frame_profile.py fpm_edge/models/lite-m.fpm

In a loop such statements are several times faster, so a profiler that runs them in one tells nothing. Prints medians
over 300 drawn garments, in microseconds, in the order in which the statements run; `(entering)` is from the statement
before to the function's first. Statements under 4 µs are left out. Stamps cost a tenth of what they measure.

With another version of the runtime: PYTHONPATH=OLD/runtime.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import statistics
import tempfile
import textwrap
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any

import numpy as np
from frame_cost import drawn

from fpm_edge_runtime import open_bundle

# Module → functions, those of a class by its name. What a version does not have is left out.
FUNCTIONS = {
    "stages.session": tuple(
        f"Session.{name}" for name in ("detect", "_detect", "_prepare", "_fit", "_answer", "_run", "_decode")
    ),
    "stages.recognizer": ("Recognizer.at",),
    "pixels.decode": ("read_heatmaps", "maps_of", "answer_of", "_refine"),
    "pixels.peaks": ("find_peaks", "_largest"),
    "pixels.subpixel": ("fitted_tops",),
}
# What is compared is the runtime, not the network.
ENGINE = "with self._lock"

stamps: list[tuple[str, float]] = []


def stamp(label: str) -> None:
    stamps.append((label, perf_counter()))


def stamped(module: ModuleType, name: str) -> None:
    """Put a stamp after each statement of a function, wherever the runtime calls it from."""
    *owner, last = name.split(".")
    place: Any = getattr(module, owner[0]) if owner else module
    original = getattr(place, last, None)
    if original is None:
        return
    tree = ast.parse(textwrap.dedent(inspect.getsource(original)))
    (function,) = tree.body
    assert isinstance(function, ast.FunctionDef)
    body = [_stamp(f"{last}: (entering)")]
    for statement in function.body:
        label = f"{last}: {ast.unparse(statement).splitlines()[0][:90]}"
        if isinstance(statement, ast.Return) and statement.value is not None:
            kept = ast.Assign([ast.Name("_returned", ast.Store())], statement.value)
            body += [kept, _stamp(label), ast.Return(ast.Name("_returned", ast.Load()))]
        else:
            body += [statement, _stamp(label)]
    function.body, function.decorator_list, function.returns = body, [], None
    for argument in (*function.args.args, *function.args.kwonlyargs):
        argument.annotation = None
    made: dict[str, Any] = {}
    vars(module)["_stamp"] = stamp
    exec(compile(ast.fix_missing_locations(tree), str(module.__file__), "exec"), vars(module), made)
    setattr(place, last, made[last])
    if not owner:
        for other in FUNCTIONS:
            loaded = importlib.import_module(f"fpm_edge_runtime.{other}")
            if getattr(loaded, last, None) is original:
                setattr(loaded, last, made[last])


def _stamp(label: str) -> ast.stmt:
    return ast.parse(f"_stamp({label!r})").body[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--rounds", type=int, default=300)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        images = np.load(drawn(options.bundle, Path(folder)))
    session = open_bundle(options.bundle).session("litert", threads=1)
    for module, names in FUNCTIONS.items():
        for name in names:
            stamped(importlib.import_module(f"fpm_edge_runtime.{module}"), name)
    took: dict[str, list[float]] = {}
    for turn in range(-20, options.rounds):
        stamps.clear()
        before = perf_counter()
        session.detect(images[turn % len(images)])
        end = perf_counter()
        row: dict[str, float] = {}
        for label, now in (*stamps, ("(returning)", end)):
            row[label] = row.get(label, 0.0) + (now - before) * 1e6
            before = now
        if turn >= 0:  # the first are warm-up
            for label, microseconds in row.items():
                took.setdefault(label, []).append(microseconds)
    total = 0.0
    for label, times in took.items():
        if ENGINE in label or "letterbox(" in label:
            continue
        median = statistics.median(times) * len(times) / options.rounds
        total += median
        if median >= 4.0:
            print(f"{median:7.1f} {label}")
    print(f"{total:7.1f} all, without the network and making its input")


if __name__ == "__main__":
    main()
