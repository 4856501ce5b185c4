"""`fpm-edge bench` with real engines and real processes."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pytest
from small_bundle import PUBLIC, signed_bundle, small_bundle

from fpm_edge.bench import Bench, Settings, bench, read_bench, synthetic_frames
from fpm_edge.bench.cold import cold_starts
from fpm_edge.bench.plan import Variant
from fpm_edge.bench.warm_up import WarmUpRule
from fpm_edge_runtime import open_bundle

Run = Callable[..., tuple[int, str, str]]

FEW = ("--quick", "--queries", 2, "--seconds", 0, "--size", "40x30")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """ONNX, one stage, in a folder of its own."""
    folder = tmp_path / "bundles"
    folder.mkdir()
    path = folder / "small.fpm"
    path.write_bytes(small_bundle())
    return path


@pytest.fixture(scope="module")
def measured(tiny_bundle: Path, tiny_float_bundle: Path) -> Bench:
    """Two bundles × two numbers of stages."""
    return bench(
        [("int8", open_bundle(tiny_bundle)), ("float", open_bundle(tiny_float_bundle))],
        synthetic_frames(96, 64),
        engines=["litert"],
        stages=[1, 2],
        settings=Settings(queries=12, seconds=0.0, turns=4, processes=1, warm_up=WarmUpRule(4, 0.0, most=0.1)),
        command="typed",
    )


def test_rows_are_in_the_order_asked_for(measured: Bench) -> None:
    assert [(row.bundle, row.precision, row.stages) for row in measured.rows] == [
        ("int8", "int8", 1),
        ("int8", "int8", 2),
        ("float", "float32", 1),
        ("float", "float32", 2),
    ]


def test_each_row_holds_together(measured: Bench) -> None:
    for row in measured.rows:
        assert row.queries == 12
        assert len(row.turns) == 4
        assert row.total.min <= row.total.p50 <= row.total.p90 <= row.total.p99 <= row.total.max
        assert row.inference.p50 < row.total.p50
        assert row.inference.p50 + row.parts.preprocess < 2 * row.total.p50
        assert list(row.parts.pieces) == ["stage_1", "context", "stage_2"][: 1 if row.stages == 1 else 3]
        assert min(row.parts.decode, row.parts.preprocess, *row.parts.pieces.values()) > 0
        assert row.warm_up.queries >= 1
        assert not row.published
        assert (row.delegate, row.delegated, row.threads) == ("none", 0.0, 1)


def test_sizes_are_those_of_what_runs(measured: Bench, tiny_bundle: Path) -> None:
    bundle = open_bundle(tiny_bundle)
    first, both = (row.bytes for row in measured.rows[:2])
    sizes = {name: len(bundle.read(name)) for name in bundle.members}
    assert first == sizes["stages/1.tflite"]
    assert both == sizes["stages/1.tflite"] + sizes["stages/context.tflite"] + sizes["stages/2.tflite"]
    described = measured.bundles[0]
    assert described.members == sizes
    assert described.bytes == tiny_bundle.stat().st_size
    assert (described.digest, described.stages) == (bundle.digest, bundle.stages)


def test_ratios_say_to_whom(measured: Bench) -> None:
    def others(name: str) -> list[int | None]:
        found = [getattr(row, name) for row in measured.rows]
        return [None if ratio is None else ratio.row for ratio in found]

    assert others("to_first") == [None, None, 0, 1]
    assert others("to_float") == [2, 3, None, None]
    assert others("to_base") == [None, 0, 0, 0]
    ratio = measured.rows[2].to_first
    assert ratio is not None
    within = np.array(measured.rows[2].turns) / np.array(measured.rows[0].turns)
    assert ratio.estimate == pytest.approx(np.exp(np.log(within).mean()))
    assert ratio.lower <= ratio.estimate <= ratio.upper


def test_cold_starts_come_from_fresh_processes(measured: Bench) -> None:
    for row in measured.rows:
        assert row.cold is not None, row.cold_why
        steps = row.cold.import_ms + row.cold.open_ms + row.cold.load_ms + row.cold.first_ms
        assert row.cold.total_ms == pytest.approx(steps)
        # This process holds TensorFlow.
        assert row.memory.peak_mb is not None
        assert 10 < row.memory.peak_mb < 300


def test_what_it_says_of_the_run(measured: Bench) -> None:
    assert measured.command == "typed"
    assert measured.protocol.quick
    assert measured.protocol.picture_sizes == ((96, 64),)
    assert measured.environment.packages["ai-edge-litert"] == measured.rows[0].engine_version
    assert measured.device.cpu in measured.device.name or "model" not in measured.device.name
    assert os.uname().nodename not in measured.device.name


def test_memory_of_the_parent_is_not_the_child_s(small: Path) -> None:
    ballast = np.ones(40_000_000)  # 320 MB
    (found,) = cold_starts([Variant("s", "onnxruntime", 1, 1)], {"s": open_bundle(small)}, (40, 30), 1)
    assert found.memory.peak_mb is not None
    assert found.memory.peak_mb < 200 < ballast.nbytes / 1e6


def test_a_child_that_fails_is_a_reason(small: Path) -> None:
    bundle = open_bundle(small)
    small.write_bytes(b"no bundle")
    (found,) = cold_starts([Variant("s", "onnxruntime", 1, 1)], {"s": bundle}, (40, 30), 2)
    assert found.cold is None
    assert "exit code 1; its last words: " in found.why
    assert found.memory.why == found.why


def test_a_child_that_hangs_is_ended(small: Path) -> None:
    (found,) = cold_starts([Variant("s", "onnxruntime", 1, 1)], {"s": open_bundle(small)}, (40, 30), 1, timeout=0.01)
    assert found.why == "no answer within 0.01 s"


def test_a_missed_limit_is_shown_and_exported_all_the_same(
    run: Run, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pi.json"
    monkeypatch.setattr(os, "getloadavg", lambda: (99.0, 0.0, 0.0))
    given = ("--threads", "1,2", "--device", "Pi in the shop", "--max-ms", "0.001", "--export", path)
    code, out, err = run("bench", small, *FEW, *given)
    assert (code, "--max-ms is 0.001 (2 of 2 rows are over it)" in err) == (3, True), err
    assert "note: the load average was 99.0 on" in err
    assert "Pi in the shop (QUICK, no published figure)" in out
    found = read_bench(path)
    assert found.protocol.quick
    assert [row.threads for row in found.rows] == [1, 2]
    assert found.command == (
        f"fpm-edge bench {small} --threads 1,2 --quick --queries 2 --seconds 0.0 --size 40x30 "
        f"--device 'Pi in the shop' --max-ms 0.001 --export {path}"
    )


def test_a_signed_bundle_on_pictures_of_a_folder(run: Run, small: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    key, bundle = tmp_path / "key.pem", open_bundle(tiny_bundle)
    key.write_bytes(PUBLIC)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for number in range(3):
        (pictures / f"{number}.png").write_bytes(bundle.read(f"golden/{number}.png"))
    given = ("bench", small, *FEW[:5], "--trusted", key, "--images", pictures, "--json")
    code, _, err = run(*given)
    assert (code, "is not signed" in err) == (4, True)
    small.write_bytes(signed_bundle())
    code, out, err = run(*given)
    assert code == 0, err
    found = json.loads(out)
    assert (found["format"], found["protocol"]["pictures"]) == ("fpm-edge-bench", "pictures, 3 of 3 pictures")
    (row,) = found["rows"]
    assert not row["published"]
    assert row["cold"] is not None  # the fresh processes have the key as well


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        (("--engine", "lightning"), 2, "unknown engine 'lightning'"),
        (("--threads", "1,x"), 2, "--threads is 1,x"),
        (("--threads", "0"), 2, "--threads is 0"),
        (("--stages", "9"), 2, "stages is 9; expected 1 to 1"),
        (("--size", "640"), 2, "--size is 640"),
        (("--export", "none/pi.json"), 2, "--export is none/pi.json"),
        (("--images", "none"), 1, "none is not a folder"),
        (("--engine", "tflite-runtime"), 2, "nothing to measure"),
    ],
)
def test_exit_codes(run: Run, small: Path, given: tuple[str, ...], code: int, message: str) -> None:
    found, _, err = run("bench", small, *FEW, *given)
    assert (found, message in err) == (code, True), err


def test_damaged_bundle(run: Run, small: Path) -> None:
    small.write_bytes(small.read_bytes()[:-10])
    assert run("bench", small, *FEW)[0] == 4


def is_cold_start(process: str) -> bool:
    return b"_cold_child.py" in Path(f"/proc/{process}/cmdline").read_bytes()


def test_ctrl_c_leaves_nothing(small: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "pi.json").write_text('{"created": "then", "fpm_edge": "0.1"}')
    # What was started in the background of a script ignores Ctrl-C.
    program = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from fpm_edge.__main__ import main\n"
        "main(sys.argv[1:])\n"
    )
    command = [sys.executable, "-c", program, "bench", str(small), "--export", str(folder / "pi.json")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as started:
        children = Path(f"/proc/{started.pid}/task/{started.pid}/children")
        deadline = monotonic() + 300
        while not (found := [one for one in children.read_text().split() if is_cold_start(one)]):
            assert monotonic() < deadline
            sleep(0.01)
        sleep(0.1)  # until the parent knows of it
        started.send_signal(signal.SIGINT)
        _, err = started.communicate(timeout=300)
    assert (started.returncode, err.strip().splitlines()[-1]) == (130, "fpm-edge: interrupted")
    assert [path.name for path in folder.iterdir()] == ["pi.json"]
    assert (folder / "pi.json").read_text() == '{"created": "then", "fpm_edge": "0.1"}'
    (child,) = found
    assert not Path(f"/proc/{child}").exists()


def test_a_device_needs_no_more_than_the_extra_cli(tiny_bundle: Path) -> None:
    """Everything that a plain install with ``[cli]`` does not bring cannot be imported."""
    program = (
        "import sys\n"
        "for name in ('tensorflow', 'tf_keras', 'tensorflow_model_optimization', 'tf2onnx', 'onnx', 'onnxruntime',\n"
        "             'openvino', 'jinja2', 'matplotlib', 'safetensors', 'tomli_w', 'cryptography', 'cv2'):\n"
        "    sys.modules[name] = None\n"
        "from fpm_edge.__main__ import main\n"
        "main(sys.argv[1:])\n"
    )
    arguments = ["bench", str(tiny_bundle), *map(str, FEW), "--json"]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)["rows"]
    assert row["engine"] == "litert"
    assert row["cold"] is not None
