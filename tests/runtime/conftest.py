"""Bundles to test with: a real, tiny, quantized network; one that finds colours; one whose models are no models."""

import os
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from time import sleep
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from fpm_edge_runtime import Bundle, LandmarkSchema, Manifest, MissingExtraError, Slots, open_bundle, write_bundle
from fpm_edge_runtime.bundle.container import Entry, lay_out
from fpm_edge_runtime.bundle.manifest import Geometry, GoldenCase, GoldenSet, Piece, Quantization, TensorSpec
from fpm_edge_runtime.stages.pack import bundle_bytes

# Set where the runtime's tests run without the toolkit (scripts/check_wheel.py): the folder of models that
# `_tiny_network.py` made elsewhere. What needs more than the plain install is skipped there, and there only.
TINY_MODELS = os.environ.get("FPM_EDGE_TINY_MODELS")
_MORE = ("ai_edge_litert", "cryptography", "onnx", "onnxruntime", "openvino", "tf_keras")
_MISSING = [package for package in _MORE if TINY_MODELS and find_spec(package) is None]
# These need it throughout.
_NEEDING = (
    ("bundle/test_external.py", "cryptography"),
    ("bundle/test_external.py", "onnx"),
    ("bundle/test_signature.py", "cryptography"),
    ("check/test_engine_choice.py", "ai_edge_litert"),
    ("check/test_engine_choice.py", "openvino"),
    ("check/test_isolated_speed.py", "ai_edge_litert"),
    ("check/test_speed_choice.py", "ai_edge_litert"),
    ("updates/test_slots_signed.py", "cryptography"),
)
assert all((Path(__file__).parent / name).is_file() for name, _ in _NEEDING)
collect_ignore = [name for name, package in _NEEDING if package in _MISSING]

HEIGHT, WIDTH, STRIDE = 32, 48, 8
PIECES = ("stage_1", "context", "stage_2")

SCHEMA = LandmarkSchema(
    name="colours",
    landmarks=("red", "green", "blue"),
    flip=(0, 1, 2),
    categories={"all": (0, 1, 2), "warm": (0,)},
)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Iterator[None]:
    return (yield from _skipping_what_is_missing())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    return (yield from _skipping_what_is_missing())


def _skipping_what_is_missing() -> Iterator[None]:
    try:
        return (yield)
    except (MissingExtraError, ModuleNotFoundError) as error:
        if any(package in str(error) for package in _MISSING):
            pytest.skip(str(error))
        raise


def codes(name: str, channels: int = 4) -> TensorSpec:
    return TensorSpec(name, "int8", (1, HEIGHT // STRIDE, WIDTH // STRIDE, channels), "NHWC", 1 / 256, -128)


IMAGE = TensorSpec("image", "uint8", (1, HEIGHT, WIDTH, 3), "NHWC", 1.0, 0)


def quantized_pieces(form: str) -> tuple[Piece, ...]:
    return (
        Piece("stage_1", f"stages/1.{form}", (IMAGE,), (codes("heatmap_1"),)),
        Piece("context", f"stages/context.{form}", (IMAGE,), (codes("context"),)),
        Piece("stage_2", f"stages/2.{form}", (codes("context"), codes("heatmap_1")), (codes("heatmap_2"),)),
    )


def manifest_of(pieces: dict[Any, tuple[Piece, ...]], stages: int = 2) -> Manifest:
    return Manifest(
        schema_version=1,
        name="tiny",
        created="2026-01-01T00:00:00Z",
        landmarks=SCHEMA,
        geometry=Geometry(HEIGHT, WIDTH, STRIDE),
        quantization=Quantization("int8", "ptq"),
        stages=stages,
        pieces=pieces,
        digests={},
        versions={},
    )


def png(pixels: np.ndarray) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def container(members: Mapping[str, bytes]) -> bytes:
    """A container with these members and correct headers, whatever the members hold."""
    layout = lay_out(Entry(name, len(data), zlib.crc32(data)) for name, data in members.items())
    return b"".join([part for name, h in layout.headers.items() for part in (h, members[name])] + [layout.tail])


@pytest.fixture(scope="session")
def build_container() -> Callable[[Mapping[str, bytes]], bytes]:
    return container


@pytest.fixture(scope="session")
def hollow_parts() -> tuple[Manifest, dict[str, bytes]]:
    """Manifest and members of a bundle that is right in everything but that its models are a few bytes of text."""
    golden = GoldenSet(
        cases=(GoldenCase("golden/0.png", "warm", (((1.0, 2.0),) * 3,) * 2),),
        limits=(0.5, 0.5),
    )
    members = {f"stages/{piece.removeprefix('stage_')}.tflite": piece.encode() for piece in PIECES}
    members["card.md"] = b"# A card\n"
    members["golden/0.png"] = png(np.full((HEIGHT, WIDTH, 3), 7, np.uint8))
    members["golden/golden.json"] = msgspec.json.encode(golden)
    return manifest_of({"tflite": quantized_pieces("tflite")}), members


@pytest.fixture(scope="session")
def hollow_path(hollow_parts: tuple[Manifest, dict[str, bytes]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("hollow") / "hollow.fpm", *hollow_parts)


@pytest.fixture(scope="session")
def three_bundles(
    hollow_parts: tuple[Manifest, dict[str, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    """Three hollow bundles that differ in nothing but their names: old, good, new."""
    manifest, members = hollow_parts
    folder = tmp_path_factory.mktemp("three")
    return [
        write_bundle(folder / f"{name}.fpm", msgspec.structs.replace(manifest, name=name), members)
        for name in ("old", "good", "new")
    ]


@pytest.fixture
def slots(tmp_path: Path, three_bundles: list[Path]) -> Slots:
    """The bundle "good" is confirmed in slot b, "old" is in a."""
    made = Slots(tmp_path / "slots")
    for sequence, bundle in enumerate(three_bundles[:2], 1):
        made.install(bundle, sequence=sequence)
        made.confirm(made.boot().bundle.digest)
    return made


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """File name → model, made by the real converters: ``1.tflite``, ``1.signature.tflite``, ``1.onnx``, ``2...``."""
    if TINY_MODELS:
        folder = Path(TINY_MODELS)
    else:
        folder = tmp_path_factory.mktemp("tiny")
        program = Path(__file__).with_name("_tiny_network.py")
        done = subprocess.run([sys.executable, str(program), str(folder)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="session")
def tiny_path(tiny_models: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real int8 network of two stages and context, in both formats."""
    forms = ("tflite", "onnx")
    members = {
        f"stages/{name}.{form}": tiny_models[f"{name}.{form}"] for name in ("1", "2", "context") for form in forms
    }
    manifest = manifest_of({form: quantized_pieces(form) for form in forms})
    return write_bundle(tmp_path_factory.mktemp("tiny") / "tiny.fpm", manifest, members)


@pytest.fixture(scope="session")
def tiny(tiny_path: Path) -> Bundle:
    return open_bundle(tiny_path)


@pytest.fixture(scope="session")
def golden_tiny(tiny: Bundle, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """`tiny_path` with a golden case: "right", whose landmarks are LiteRT's own, and "wrong", three pixels beside."""
    pixels = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    members = {name: tiny.read(name) for name in tiny.members if name != "manifest.json"}
    members["golden/0.png"] = png(pixels)
    answers = [result.landmarks for result in tiny.session().detect_input(pixels)]
    folder = tmp_path_factory.mktemp("golden")
    paths = {}
    for name, shift in (("right", 0.0), ("wrong", 3.0)):
        landmarks: Any = [(points + np.float32(shift)).tolist() for points in answers]
        golden = GoldenSet((GoldenCase("golden/0.png", "all", landmarks),), (0.02, 0.02))
        content = {**members, "golden/golden.json": msgspec.json.encode(golden)}
        paths[name] = write_bundle(folder / f"{name}.fpm", tiny.manifest, content)
    return paths


@pytest.fixture(scope="session")
def colour_bundle() -> Bundle:
    """A float ONNX network of one stage, channels first, whose landmarks are where red, green and blue are."""
    from small_bundle import PIECE, colour_manifest, colour_model

    return open_bundle(bundle_bytes(colour_manifest(), {PIECE.member: colour_model().SerializeToString()}))


class FakeEngine:
    """An engine whose pieces answer with what they are told to, as slowly as they are told to.

    delays: piece name → seconds. answers: tensor name → array. calls: the pieces that ran, in order.
    """

    name = "fake"
    version = "0"
    formats = ("tflite",)

    def __init__(self) -> None:
        self.delays: dict[str, float] = {}
        self.answers: dict[str, np.ndarray] = {}
        self.calls: list[str] = []
        self.loaded: list[str] = []

    def load(self, piece: Piece, model: bytes, threads: int | None) -> Callable[..., dict[str, np.ndarray]]:
        self.loaded.append(piece.name)

        def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            self.calls.append(piece.name)
            sleep(self.delays.get(piece.name, 0.0))
            return {spec.name: self.answers.get(spec.name, np.zeros(spec.shape, spec.dtype)) for spec in piece.outputs}

        return run


@pytest.fixture
def fake_engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture(scope="session")
def float_path(hollow_parts: tuple[Manifest, dict[str, bytes]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hollow bundle with float32 tensors, to run in a fake engine."""
    manifest, members = hollow_parts

    def as_float(specs: tuple[TensorSpec, ...]) -> tuple[TensorSpec, ...]:
        plain = {"dtype": "float32", "scale": None, "zero_point": None}
        return tuple(s if s.name == "image" else msgspec.structs.replace(s, **plain) for s in specs)

    pieces = tuple(
        msgspec.structs.replace(piece, inputs=as_float(piece.inputs), outputs=as_float(piece.outputs))
        for piece in manifest.pieces["tflite"]
    )
    manifest = msgspec.structs.replace(manifest, pieces={"tflite": pieces})
    return write_bundle(tmp_path_factory.mktemp("float") / "float.fpm", manifest, members)


@pytest.fixture(scope="session")
def float_bundle(float_path: Path) -> Bundle:
    """`float_path`, open."""
    return open_bundle(float_path)
