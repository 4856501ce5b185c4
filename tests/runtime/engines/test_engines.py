"""Every engine runs the same pieces to the same codes, and refuses a model that is not what the manifest says."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from fpm_edge_runtime import Bundle, BundleError, MissingExtraError, UsageError, load_engine
from fpm_edge_runtime.bundle.manifest import Piece, TensorSpec
from fpm_edge_runtime.engines import DEFAULT_ORDER, ENGINES, default_engine, installed_engines

# Those on a GPU or NPU have tests of their own (`test_engines_compiled`).
AVAILABLE = [
    name
    for name, known in ENGINES.items()
    if known.delegate == "none" and (name != "tflite-runtime" or name in installed_engines())
]
# The two interpreters have one API, and seldom both are installed.
TFLITE = "tflite-runtime" if installed_engines()[0] == "tflite-runtime" else "litert"

# Engines round some results before the sigmoid differently; its slope there turns one code into up to four.
LARGEST_DIFFERENCE = 4


def _apart(one: np.ndarray, other: np.ndarray) -> int:
    return int(np.abs(one.astype(int) - other).max())


def _image(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (1, 32, 48, 3), np.uint8)


def _pieces(bundle: Bundle, form: str) -> dict[str, Piece]:
    return {piece.name: piece for piece in bundle.manifest.pieces[form]}


def _run_all(bundle: Bundle, engine_name: str, image: np.ndarray) -> dict[str, np.ndarray]:
    engine = load_engine(engine_name)
    tensors = {"image": image}
    for piece in _pieces(bundle, engine.formats[0]).values():
        tensors |= engine.load(piece, bundle.read(piece.member), 1)(tensors)
    return tensors


@pytest.mark.parametrize("name", AVAILABLE)
def test_engines_agree(tiny: Bundle, name: str) -> None:
    engine = load_engine(name)
    for seed in range(3):
        # Each piece gets the interpreter's tensors, so that differences do not add up from stage to stage.
        expected = _run_all(tiny, TFLITE, _image(seed))
        assert np.ptp(expected["heatmap_2"].astype(int)) > 100
        for piece in _pieces(tiny, engine.formats[0]).values():
            found = engine.load(piece, tiny.read(piece.member), 1)(expected)
            assert set(found) == {spec.name for spec in piece.outputs}
            for tensor, codes in found.items():
                assert (codes.dtype, codes.shape) == (expected[tensor].dtype, expected[tensor].shape)
                assert _apart(codes, expected[tensor]) <= LARGEST_DIFFERENCE, tensor


@pytest.mark.parametrize("name", AVAILABLE)
def test_outputs_stay_valid_after_the_next_call(tiny: Bundle, name: str) -> None:
    engine = load_engine(name)
    piece = _pieces(tiny, engine.formats[0])["stage_1"]
    runner = engine.load(piece, tiny.read(piece.member), None)
    first = runner({"image": _image(0)})["heatmap_1"]
    kept = first.copy()
    second = runner({"image": _image(1)})["heatmap_1"]
    np.testing.assert_array_equal(first, kept)
    assert (first != second).any()


def test_tensors_are_shared_where_the_engine_can(tiny: Bundle) -> None:
    """Not copied from what the engine wrote: the next piece reads them there (docs/results/runtime.md)."""
    onnx = _pieces(tiny, "onnx")["stage_1"]
    found = load_engine("onnxruntime").load(onnx, tiny.read(onnx.member), 1)({"image": _image()})["heatmap_1"]
    assert not found.flags.owndata
    lite = _pieces(tiny, "tflite")["stage_1"]
    runner: Any = load_engine("openvino").load(lite, tiny.read(lite.member), 1)
    found = runner({"image": _image()})["heatmap_1"]
    assert np.shares_memory(found, runner._request.get_output_tensor(0).data)


@pytest.mark.parametrize("name", AVAILABLE)
def test_an_input_may_be_read_only(tiny: Bundle, name: str) -> None:
    engine = load_engine(name)
    piece = _pieces(tiny, engine.formats[0])["stage_1"]
    runner = engine.load(piece, tiny.read(piece.member), 1)
    expected, image = runner({"image": _image()})["heatmap_1"], _image()
    image.flags.writeable = False
    np.testing.assert_array_equal(runner({"image": image})["heatmap_1"], expected)


@pytest.mark.parametrize("name", AVAILABLE)
def test_engine_states_its_version(name: str) -> None:
    engine = load_engine(name)
    assert engine.name == name
    assert engine.version[0].isdigit()
    assert engine.formats == ENGINES[name].formats


def test_openvino_reads_onnx_too(tiny: Bundle) -> None:
    piece = _pieces(tiny, "onnx")["stage_1"]
    found = load_engine("openvino").load(piece, tiny.read(piece.member), 1)({"image": _image()})["heatmap_1"]
    expected = _run_all(tiny, "onnxruntime", _image())["heatmap_1"]
    assert _apart(found, expected) <= LARGEST_DIFFERENCE


@pytest.mark.parametrize("name", [TFLITE, "litert-compiled"])
def test_signature_names(tiny: Bundle, tiny_models: dict[str, bytes], name: str) -> None:
    # Its tensors are called serving_default_image:0 and so on; only the signature has the names.
    assert b"serving_default" in tiny_models["1.signature.tflite"]
    engine = load_engine(name)
    for piece in _pieces(tiny, "tflite").values():
        signed = tiny_models[f"{piece.name.removeprefix('stage_')}.signature.tflite"]
        inputs = {
            spec.name: np.random.default_rng(3).integers(0, 100, spec.shape).astype(spec.dtype) for spec in piece.inputs
        }
        by_signature, by_tensor = engine.load(piece, signed, 1), engine.load(piece, tiny.read(piece.member), 1)
        for tensor, codes in by_tensor(inputs).items():
            np.testing.assert_array_equal(by_signature(inputs)[tensor], codes)


# tflite-runtime dies of some, now and then: digests are what keeps damaged models from it.
@pytest.mark.parametrize("name", [name for name in AVAILABLE if name != "tflite-runtime"])
@pytest.mark.parametrize("content", [b"", b"not a model", b"\0" * 1000, b"\x1c\0\0\0TFL3" + b"\xff" * 100])
def test_bytes_that_are_no_model(tiny: Bundle, name: str, content: bytes) -> None:
    engine = load_engine(name)
    piece = _pieces(tiny, engine.formats[0])["stage_1"]
    with pytest.raises(BundleError, match=rf"{piece.member}"):
        engine.load(piece, content, 1)


def _with(piece: Piece, side: str, **changes: Any) -> Piece:
    (spec,) = getattr(piece, side)
    return msgspec.structs.replace(piece, **{side: (msgspec.structs.replace(spec, **changes),)})


@pytest.mark.parametrize("name", AVAILABLE)
@pytest.mark.parametrize(
    ("side", "changes", "message"),
    [
        ("inputs", {"name": "picture"}, "the manifest says picture"),
        ("outputs", {"name": "heatmap_9"}, "the manifest says heatmap_9"),
        ("inputs", {"dtype": "float32"}, "image is uint8.*the manifest says float32"),
        ("outputs", {"dtype": "float32"}, "heatmap_1 is int8.*the manifest says float32"),
        (
            "outputs",
            {"shape": (1, 4, 6, 9)},
            r"heatmap_1 is int8 \(1, 4, 6, 4\); the manifest says int8 \(1, 4, 6, 9\)",
        ),
    ],
)
def test_model_that_differs_from_the_manifest(
    tiny: Bundle, name: str, side: str, changes: dict[str, Any], message: str
) -> None:
    engine = load_engine(name)
    piece = _pieces(tiny, engine.formats[0])["stage_1"]
    with pytest.raises(BundleError, match=message):
        engine.load(_with(piece, side, **changes), tiny.read(piece.member), 1)


@pytest.mark.parametrize("name", [TFLITE, "litert-compiled"])
@pytest.mark.parametrize(
    ("side", "changes"),
    [("outputs", {"scale": 0.004}), ("outputs", {"zero_point": -127}), ("inputs", {"scale": 0.5})],
)
def test_quantization_that_differs_from_the_manifest(
    tiny: Bundle, name: str, side: str, changes: dict[str, Any]
) -> None:
    piece = _pieces(tiny, "tflite")["stage_1"]
    with pytest.raises(BundleError, match=r"has scale .* and zero point"):
        load_engine(name).load(_with(piece, side, **changes), tiny.read(piece.member), 1)


def test_image_without_scale_is_taken_as_it_is(tiny: Bundle) -> None:
    piece = _with(_pieces(tiny, "tflite")["stage_1"], "inputs", scale=None, zero_point=None)
    assert load_engine(TFLITE).load(piece, tiny.read(piece.member), 1)({"image": _image()})["heatmap_1"].any()


def test_extra_input_in_the_manifest(tiny: Bundle) -> None:
    piece = _pieces(tiny, "tflite")["stage_1"]
    more = msgspec.structs.replace(piece, inputs=(*piece.inputs, TensorSpec("more", "float32", (1, 1, 1, 1), "NHWC")))
    with pytest.raises(BundleError, match="inputs are image; the manifest says image, more"):
        load_engine(TFLITE).load(more, tiny.read(piece.member), 1)


def test_unknown_engine() -> None:
    with pytest.raises(UsageError, match="'tpu'; expected one of: litert, tflite-runtime, onnxruntime, openvino"):
        load_engine("tpu")


@pytest.mark.skipif("tflite-runtime" in installed_engines(), reason="tflite-runtime is installed")
def test_engine_that_is_not_installed() -> None:
    instead = ", ".join(installed_engines())
    with pytest.raises(MissingExtraError, match=rf"pip install tflite-runtime .*installed here: {instead}$"):
        load_engine("tflite-runtime")


def _hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """As if these engines were not installed: Python finds no module that is None here."""
    for name in names:
        known = ENGINES[name]
        monkeypatch.setitem(sys.modules, known.package.replace("-", "_"), None)
        monkeypatch.delitem(sys.modules, f"fpm_edge_runtime.engines.{known.module}", raising=False)


def test_without_a_name_the_first_that_is_installed_is_taken(tiny: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    left = list(installed_engines())
    assert left == [name for name in DEFAULT_ORDER if name in left]
    while left:
        assert tiny.session().engine == default_engine(tiny.formats) == left[0]
        _hide(monkeypatch, left.pop(0))
    with pytest.raises(
        MissingExtraError, match=r"no engine that reads onnx or tflite is installed; install one \(litert"
    ):
        tiny.session()


def test_an_engine_that_does_not_read_the_bundle_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_engine(("onnx",)) in ("onnxruntime", "openvino")
    _hide(monkeypatch, "onnxruntime", "openvino")
    with pytest.raises(
        MissingExtraError, match=r'reads onnx is installed.* \(onnxruntime: pip install "fpm-edge\[onnx\]"'
    ):
        default_engine(("onnx",))


def _replaced(monkeypatch: pytest.MonkeyPatch, folder: Path, content: str) -> None:
    """The package of the engine that comes first is this file."""
    first = ENGINES[installed_engines()[0]]
    _hide(monkeypatch, installed_engines()[0])
    name = first.package.replace("-", "_")
    (folder / f"{name}.py").write_text(content)
    monkeypatch.delitem(sys.modules, name)
    for loaded in [module for module in sys.modules if module.startswith(f"{name}.")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.syspath_prepend(folder)


def test_ctrl_c_while_an_engine_is_imported_is_not_its_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Native modules (pybind11's ``raise_from``) end their initialization so."""
    said = "raise ImportError('initialization failed') from KeyboardInterrupt()"
    name = installed_engines()[0]
    _replaced(monkeypatch, tmp_path, said)
    with pytest.raises(KeyboardInterrupt):
        load_engine(name)


def test_an_engine_that_is_broken_is_not_passed_over(
    tiny: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _replaced(monkeypatch, tmp_path, "raise ImportError('numpy.core.multiarray failed to import')")
    with pytest.raises(MissingExtraError, match=r"cannot be imported \(numpy\.core\.multiarray failed to import"):
        tiny.session()


@pytest.mark.parametrize(("name", "extra"), [("onnxruntime", "onnx"), ("openvino", "openvino")])
def test_missing_engines_name_their_extra(name: str, extra: str) -> None:
    assert ENGINES[name].install == f'pip install "fpm-edge[{extra}]"'


def test_the_question_whether_products_overflow() -> None:
    from onnx import parser

    from fpm_edge_runtime.engines import _onnx_overflow

    model = parser.parse_model(
        '<ir_version: 8, opset_import: ["": 17]> '
        "p (uint8[4,64] a, int8[64,16] b) => (int32[4,16] y) { y = MatMulInteger(a, b) }"
    )
    for node in model.graph.node:
        node.ClearField("name")
    assert model.SerializeToString(deterministic=True) == _onnx_overflow._PROBE


def test_onnxruntime_multiplies_exactly() -> None:
    """With the engine's options, on every processor; a kernel of 127 and an input of 255 overflow 16 bits."""
    import onnxruntime
    from onnx import parser

    from fpm_edge_runtime.engines.onnxruntime import session_options

    model = parser.parse_model(
        """<ir_version: 8, opset_import: ["": 17]>
        p (uint8[1,16,8,8] x) => (uint8[1,4,8,8] y) <
            float one = {1.0}, float small = {0.001}, float big = {260.0}, uint8 zero = {0},
            int8 signed_zero = {0}, float[4] kernel_scale = {0.001, 0.001, 0.001, 0.001}
        > {
            real = DequantizeLinear(x, one, zero)
            kernel_one = Constant<value = int8[1] {127}>()
            kernel_shape = Constant<value = int64[4] {4, 16, 3, 3}>()
            kernel = Expand(kernel_one, kernel_shape)
            real_kernel = DequantizeLinear(kernel, small, signed_zero)
            sum = Conv<pads = [1, 1, 1, 1]>(real, real_kernel)
            y = QuantizeLinear(sum, big, zero)
        }"""
    )
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), session_options(1), providers=["CPUExecutionProvider"]
    )
    (found,) = session.run(None, {"x": np.full((1, 16, 8, 8), 255, np.uint8)})
    assert np.unique(found[0, :, 1:-1, 1:-1]).tolist() == [round(16 * 9 * 255 * 0.127 / 260)]


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are only listed on Linux")
def test_openvino_ties_its_threads_to_no_processor() -> None:
    """Or two sessions would share one processor while another is idle."""
    pytest.importorskip("openvino")
    program = (
        "import os\nimport numpy as np\nfrom fpm_edge.shipped import shipped_bundle\n"
        "from fpm_edge_runtime import open_bundle\n"
        "bundle = open_bundle(shipped_bundle())\nbefore = set(os.listdir('/proc/self/task'))\n"
        "bundle.session('openvino', threads=2, stages=1).detect(np.zeros((50, 50, 3), np.uint8))\n"
        "new = set(os.listdir('/proc/self/task')) - before\nassert new\n"
        "print({frozenset(os.sched_getaffinity(int(name))) for name in new} == {frozenset(os.sched_getaffinity(0))})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr


def test_threads_of_onnxruntime_wait_without_spinning() -> None:
    """Or those of one piece take the processors from the next: two threads were slower than one."""
    options = pytest.importorskip("fpm_edge_runtime.engines.onnxruntime").session_options(2)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"


def test_control_c_when_openvino_sessions_are_closed_in_the_order_in_which_they_were_made() -> None:
    """Each of OpenVINO's cores puts back the stack for signals that it found, which may be another core's, and gone."""
    pytest.importorskip("openvino")
    program = (
        "import signal\nfrom fpm_edge.shipped import shipped_bundle\nfrom fpm_edge_runtime import open_bundle\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "bundle = open_bundle(shipped_bundle())\n"
        "first, second = bundle.session('openvino', stages=1), bundle.session('openvino', stages=1)\n"
        "del first\ndel second\n"
        "try: signal.raise_signal(signal.SIGINT)\nexcept KeyboardInterrupt: print('interrupted')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("interrupted\n", 0), done.stderr


def test_openvino_is_imported_where_the_user_has_no_home() -> None:
    """As on a kiosk whose service runs as a user of its own: OpenVINO's import asks for the folder."""
    pytest.importorskip("openvino")
    program = (
        "import os, pwd\ndef nobody(user): raise KeyError(user)\npwd.getpwuid = nobody\n"
        "from fpm_edge_runtime import load_engine\nprint(load_engine('openvino').name, 'HOME' in os.environ)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "HOME"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "openvino False\n", done.stderr
