"""What several test modules of the toolkit share."""

from pathlib import Path
from typing import Any

import pytest


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
