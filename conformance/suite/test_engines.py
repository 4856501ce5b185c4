"""Real networks in real engines: the same answers in the same engine, and in another what decision 0007 allows."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from conformance.suite.client import Client
from conformance.suite.compare import close, same_goldens
from conformance.suite.pair import Pair
from conformance.suite.pictures import Files, noise, spots
from conformance.suite.tolerance import CLEAR_PEAK, CLEAR_SHARE, ENGINE_PX, ENGINE_SCORE, LANDMARK_CELLS
from fpm_edge.shipped import shipped_bundle
from fpm_edge_runtime import Bundle, check_goldens, open_bundle
from fpm_edge_runtime.engines import ENGINES, installed_engines

pytestmark = pytest.mark.needs("detect", "detect_input")

# The reference's own engine for each format.
REFERENCE = {"tflite": "litert", "onnx": "onnxruntime"}


def engines(client: Client, bundle: Bundle) -> list[tuple[str, str, bool]]:
    """Name, format and whether the reference has the very same, of those that read the bundle; skips without any."""
    found = []
    for engine in client.hello["engines"]:
        same = engine["name"] in installed_engines() and version(ENGINES[engine["name"]].package) == engine["version"]
        found += [(engine["name"], form, same) for form in engine["formats"] if takes(engine, bundle, form)]
    if not found:
        pytest.skip(f"the client has no engine for {' or '.join(bundle.formats)}")
    return found


def takes(engine: dict[str, Any], bundle: Bundle, form: Any) -> bool:
    """Whether an engine reads these pieces, and has the types of their tensors."""
    pieces = bundle.manifest.pieces.get(form, ())
    types = {spec.dtype for piece in pieces for spec in (*piece.inputs, *piece.outputs)}
    return bool(pieces) and types <= set(engine.get("tensors") or types)


def garments() -> Iterator[NDArray[np.uint8]]:
    """Inputs of 192 × 192: the golden cases of the shipped bundle."""
    bundle = open_bundle(shipped_bundle())
    golden = bundle.golden()
    assert golden is not None
    yield from (bundle.golden_input(case) for case in golden.cases)


def photographs() -> Iterator[NDArray[np.uint8]]:
    """Pictures of other sizes: the same garments larger, smaller, and in a corner of a picture."""
    for number, pixels in enumerate(garments()):
        if number % 2:
            yield np.array(Image.fromarray(pixels).resize((301, 500), Image.Resampling.BICUBIC))
        else:
            around = np.full((400, 333, 3), 200, np.uint8)
            around[50 : 50 + 192, 120 : 120 + 192] = pixels
            yield around


class Clear:
    """Answers beside the reference's: scores and category at once, distances of clear landmarks at the end."""

    def __init__(self) -> None:
        self._apart: list[float] = []

    def add(self, expected: Any, answered: dict[str, Any], scale: float = 1.0) -> None:
        """One stage's answer; `scale`: pixels of the input per pixel of its landmarks."""
        found = np.array(answered["landmarks"], np.float64)
        assert np.isfinite(found).all()
        clear = (expected.scores >= CLEAR_PEAK) & (np.array(answered["scores"]) >= CLEAR_PEAK)
        self._apart += (scale * np.linalg.norm(found - expected.landmarks, axis=1)[clear]).tolist()
        close("scores", expected.scores, answered["scores"], ENGINE_SCORE)
        assert answered["category"] == expected.category

    def check(self, limit: float) -> None:
        """99 % of them are within the limit, and there are many."""
        assert len(self._apart) >= 100
        share = float((np.array(self._apart) <= limit).mean())
        assert share >= CLEAR_SHARE, f"{share:.4f} of {len(self._apart)} clear landmarks are within {limit} px"


def compared(client: Client, files: Files, path: Path, inputs: list[NDArray[np.uint8]], px: float) -> None:
    """Every engine of the client, on inputs of exactly the network's size and on photographs."""
    bundle = open_bundle(path)
    for name, form, same in engines(client, bundle):
        if same:
            pair = Pair(client, files, path, engine=name, form=form)
            for pixels in inputs:
                pair.detect_input(pixels)
            for picture in photographs():
                pair.detect(picture)
                pair.detect(picture, stages=1, box=(20.5, 10.0, 300.0, 350.75))
            continue
        session = bundle.session(REFERENCE[form])
        client.ask("open", path=path)
        client.ask("load", engine=name, format=form)
        clear = Clear()
        for pixels in inputs:
            answered = client.ask("detect_input", **files.picture(pixels))["results"]
            for one, other in zip(session.detect_input(pixels), answered, strict=True):
                clear.add(one, other)
        for picture in photographs():
            expected, answer = session.detect(picture), client.ask("detect", **files.picture(picture))
            found = (answer["stages_run"], answer["stop_reason"], answer["engine"])
            assert found == (expected.stages_run, expected.stop_reason, name)
            clear.add(expected, answer, max(inputs[0].shape[:2]) / max(picture.shape[:2]))
        clear.check(px)


def test_the_shipped_bundle(client: Client, files: Files) -> None:
    compared(client, files, shipped_bundle(), list(garments()), ENGINE_PX["int8"])


@pytest.mark.needs("converge", "stages")
def test_the_shipped_bundle_stage_by_stage(client: Client, files: Files) -> None:
    bundle = open_bundle(shipped_bundle())
    ran = set()
    for name, form, same in engines(client, bundle):
        if not same:
            continue
        pair = Pair(client, files, shipped_bundle(), engine=name, form=form)
        for picture in photographs():
            assert len(pair.stages(picture)) == 3
            ran.add(pair.detect(picture, converge_px="fitted").stop_reason)
            pair.detect(picture, category="blouse")
    if not ran:
        pytest.skip("the client has no engine that the reference has, for the shipped bundle")
    assert ran == {"converged", "all stages"}


@pytest.mark.needs("clock")
def test_a_given_clock_is_the_engines_too(client: Client, files: Files) -> None:
    bundle = open_bundle(shipped_bundle())
    picture = next(photographs())
    for name, form, same in engines(client, bundle):
        clock = {"stage_1": [10], "context": [1], "stage_2": [20], "stage_3": [30]}
        if same:
            pair = Pair(client, files, shipped_bundle(), engine=name, form=form, clock=clock)
            assert [pair.detect(picture, deadline_ms=limit).stages_run for limit in (30.5, 31.5, 61.5)] == [1, 2, 3]
        else:
            client.ask("open", path=shipped_bundle())
            client.ask("load", engine=name, format=form, clock=clock)
            asked = [("detect", {**files.picture(picture), "deadline_ms": limit}) for limit in (30.5, 31.5, 61.5)]
            assert [answer["stages_run"] for answer in client.ask_all(asked)] == [1, 2, 3]


@pytest.mark.needs("self_check")
def test_the_shipped_bundle_checks_itself(client: Client) -> None:
    bundle = open_bundle(shipped_bundle())
    for name, form, same in engines(client, bundle):
        client.ask("open", path=shipped_bundle())
        client.ask("load", engine=name, format=form)
        if same:
            geometry = bundle.manifest.geometry
            within = LANDMARK_CELLS * geometry.stride / geometry.input_width
            same_goldens(check_goldens(bundle.session(name)), client.ask("self_check"), within)
        else:
            report = client.ask("self_check")
            assert (report["verdict"], len(report["stages"])) == ("ok", 3)


def test_the_network_that_finds_colours(client: Client, files: Files, bundles: dict[str, Path]) -> None:
    bundle = open_bundle(bundles["colours"])
    pictures = [
        spots(480, 320, [(144, 128), (240, 224), (345, 112)], 64.0),
        spots(37, 31, [(9, 9), (20, 9), (20, 25)], 5),
    ]
    session = bundle.session("onnxruntime")
    for name, form, same in engines(client, bundle):
        if same:
            pair = Pair(client, files, bundles["colours"], engine=name, form=form)
            for picture in (*pictures, noise(90, 70)):
                pair.detect(picture)
            continue
        client.ask("open", path=bundles["colours"])
        client.ask("load", engine=name, format=form)
        for picture in pictures:
            expected, answer = session.detect(picture), client.ask("detect", **files.picture(picture))
            close("landmarks", expected.landmarks, answer["landmarks"], ENGINE_PX["float"] * picture.shape[1] / 48)
            close("scores", expected.scores, answer["scores"], 1e-3)


@pytest.mark.slow
def test_the_tiny_network(client: Client, files: Files, tiny: Path) -> None:
    bundle = open_bundle(tiny)
    for name, form, same in engines(client, bundle):
        if same:
            pair = Pair(client, files, tiny, engine=name, form=form)
            for seed in range(8):
                pair.detect(noise(90, 70, seed))
                pair.detect_input(noise(48, 32, seed))
            continue
        session = bundle.session(REFERENCE[form])
        client.ask("open", path=tiny)
        client.ask("load", engine=name, format=form)
        for seed in range(8):
            answered = client.ask("detect", **files.picture(noise(90, 70, seed)))
            # Its heatmaps mean nothing and have several peaks of nearly one height: where the highest is differs.
            close("scores", session.detect(noise(90, 70, seed)).scores, answered["scores"], ENGINE_SCORE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("precision", "px"),
    [("int8", "int8"), ("float32", "float"), ("int16x8", "int8"), ("mixed", "int8"), ("uint8", "int8")],
)
def test_shipped_weights_in_every_precision(
    client: Client, files: Files, real: dict[str, Path], precision: str, px: str
) -> None:
    geometry = open_bundle(real[precision]).manifest.geometry
    size = (geometry.input_width, geometry.input_height)
    inputs = [np.array(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC)) for pixels in garments()]
    compared(client, files, real[precision], inputs, ENGINE_PX[px])
