"""What several test modules of the toolkit share."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from commands import run_command
from zygote import TRAINING, Child, Surroundings, Zygote, zygote

from fpm_edge.bench import data as bench_data


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """`run_command` of these arguments."""
    return partial(run_command, capsys)


@pytest.fixture(scope="session")
def trainers(render_cache: Path) -> Iterator[Zygote]:
    """Starts processes that have imported what training needs, which is most of what a short training takes."""
    if sys.platform != "linux":
        pytest.skip("processes are forked")
    with zygote(TRAINING) as found:
        yield found


@pytest.fixture
def start_trainer(trainers: Zygote, tmp_path: Path) -> Callable[..., Child]:
    """`Zygote.start` with these arguments and options, in the test's folder."""
    numbers = count()

    def start(arguments: Sequence[str], **options: Any) -> Child:
        spoken = tmp_path / f"said-{next(numbers)}"
        spoken.mkdir()
        return trainers.start(arguments, Surroundings(tmp_path), spoken, **options)

    return start


@pytest.fixture(scope="session")
def small_report(tiny_bundle: Path, tiny_float_bundle: Path, render_cache: Path) -> Any:
    """A measured report: int8 and float32 of the "tiny" network in LiteRT and ONNX Runtime, on 30 pictures."""
    from fpm_edge.data import load_dataset
    from fpm_edge.report import measure
    from fpm_edge_runtime import open_bundle

    bundles = [("tiny", open_bundle(tiny_bundle)), ("tiny_float", open_bundle(tiny_float_bundle))]
    return measure(bundles, load_dataset("rendered:30@9/64"), repeats=12, overlays=0)


@pytest.fixture(scope="session")
def small_report_folder(small_report: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`small_report` as it is written."""
    from fpm_edge.report import write_report

    folder = tmp_path_factory.mktemp("small_report")
    write_report(small_report, folder)
    return folder


@pytest.fixture(scope="session")
def page_bench(tiny_bundle: Path) -> Any:
    """A bench of the int8 bundle on a board that does not exist, with one and two threads; the times are made up."""
    from fpm_edge_runtime import open_bundle

    bundle = open_bundle(tiny_bundle)
    manifest = bundle.manifest

    def spread(p50: float) -> bench_data.Spread:
        return bench_data.Spread(p50=p50, p90=1.2 * p50, p99=1.5 * p50, mean=p50, min=0.9 * p50, max=2 * p50)

    def row(threads: int, stages: int) -> bench_data.Row:
        time = 30.0 * stages / threads
        return bench_data.Row(
            bundle="mine",
            precision="int8",
            engine="tflite-runtime",
            engine_version="2.14.0",
            format="tflite",
            delegate="none",
            delegated=0.0,
            threads=threads,
            stages=stages,
            bytes=20_000 * stages,
            queries=64,
            seconds=1.0,
            published=False,
            total=spread(time + 4),
            inference=spread(time),
            parts=bench_data.Parts(preprocess=4.0, pieces={"stage_1": time}, decode=0.5),
            drift=bench_data.Drift(first=time, last=time, ratio=1.0),
            turns=(time,),
            warm_up=bench_data.WarmUp(queries=8, seconds=0.5, stable=True),
            cold=None,
            cold_why="not tried",
            memory=bench_data.Memory(peak_mb=61.0),
            energy=bench_data.Energy(millijoules=None, why="no meter"),
            to_first=None,
            to_float=None,
            to_base=None,
        )

    return bench_data.Bench(
        created="2026-01-02T03:04:05+00:00",
        fpm_edge="0.1.0",
        command="fpm-edge bench mine.fpm --export board.json",
        device=bench_data.Device(
            "Small <Board>", "Cortex-A72", 4, 4, ("ondemand",), "Linux 6.6", "aarch64", 4096.0, 0.1
        ),
        environment=bench_data.Environment("3.11.9", {"tflite-runtime": "2.14.0"}),
        bundles=(
            bench_data.BenchedBundle(
                label="mine",
                name=manifest.name,
                created=manifest.created,
                digest=bundle.digest,
                bytes=1,
                members={},
                precision="int8",
                method="ptq",
                exceptions={},
                stages=bundle.stages,
                schema=manifest.landmarks.name,
                landmarks=len(manifest.landmarks.landmarks),
                input_width=64,
                input_height=64,
                stride=4,
                formats=bundle.formats,
            ),
        ),
        protocol=bench_data.Protocol(True, 64, 1.0, 2, 0, "synthetic, 8", ((64, 64),), "nearest", "8", "turns"),
        rows=tuple(row(threads, stages) for threads in (1, 2) for stages in range(1, bundle.stages + 1)),
    )


@pytest.fixture(scope="session")
def page_report(tiny_bundle: Path, tiny_float_bundle: Path, page_bench: Any, render_cache: Path) -> Any:
    """Both bundles in both engines on ten garments, and the bench."""
    from fpm_edge.data import load_dataset
    from fpm_edge.report import measure
    from fpm_edge_runtime import open_bundle

    found = measure(
        [("int8", open_bundle(tiny_bundle)), ("float32", open_bundle(tiny_float_bundle))],
        load_dataset("rendered:10@9/64"),
        repeats=3,
        overlays=3,
        benches=[("board.json", page_bench)],
        command="fpm-edge report int8.fpm float32.fpm --data rendered:10@9/64 --bench board.json -o out",
    )
    # Times of a test machine vary: some that tell the variants apart, and are the same each time.
    times = {"int8": 2.0, "float32": 5.0}
    variants = []
    for variant in found.variants:
        rows = []
        for row in variant.stages:
            median = times[variant.precision] * row.stages * (1.5 if variant.engine == "onnxruntime" else 1.0)
            spread = replace(row.latency.inference, median=median, p90=1.1 * median, p99=1.3 * median)
            rows.append(replace(row, latency=replace(row.latency, inference=spread, preprocess_ms=0.5)))
        variants.append(replace(variant, stages=tuple(rows)))
    return replace(found, variants=tuple(variants))


@pytest.fixture(scope="session")
def page_folder(page_report: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report, written."""
    from fpm_edge.report import write_report

    folder = tmp_path_factory.mktemp("page")
    write_report(page_report, folder)
    return folder
