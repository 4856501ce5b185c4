"""What docs/drift.md tells people to write runs as it stands."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import numpy as np
import pytest

from fpm_edge_runtime.drift_log import read_drift_log

PAGE = Path(__file__).parents[2] / "docs" / "drift.md"


def test_the_example_watches_a_camera_over_a_restart(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    shutil.copy(tiny_bundle, tmp_path / "mine.fpm")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}

    def camera() -> Iterator[np.ndarray]:
        """Five frames; the camera stops when one of them has been compared, for what waits at the end is dropped."""
        yield from np.random.default_rng(0).integers(0, 256, (5, 90, 60, 3), np.uint8)
        patience = monotonic() + 120
        while not names["shadow"].counts.compared and monotonic() < patience:
            sleep(0.02)

    # Every frame, so that five are enough to see something.
    sampling = "rate=0.01, spacing_s=60"
    assert sampling in example
    program = compile(example.replace(sampling, "rate=1.0"), str(PAGE), "exec")
    compared = []
    for _ in range(2):
        names["camera"] = camera()
        exec(program, names)
        last = read_drift_log(tmp_path / "drift.jsonl").entries[-1]
        assert last.frames == 5
        compared.append(last.samples)
    assert 1 <= compared[0] < compared[1] <= 10
