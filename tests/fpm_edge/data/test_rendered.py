"""Rendered data sets, and the cache of their ground truth."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fpm_edge.data import RenderKey, load_dataset, read_image, rendered
from fpm_edge.data.render_cache import cache_file
from fpm_edge.render import render_garment
from fpm_edge_runtime.errors import UsageError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "fpm-edge"


def drawn(spec: str) -> int:
    """How many garments are drawn to load `spec`."""
    calls: list[tuple[int, int]] = []
    dataset = load_dataset(spec, progress=lambda done, total: calls.append((done, total)))
    assert all(total == len(dataset) for _, total in calls)
    return len(calls)


def test_records_are_what_the_renderer_draws() -> None:
    dataset = load_dataset("rendered:5@3/64")
    assert [record.image for record in dataset.records] == [RenderKey(3, i, 64) for i in range(5)]
    assert len({record.identifier for record in dataset.records}) == 5
    for index, record in enumerate(dataset.records):
        garment = render_garment(3, index, size=64)
        assert record.category == garment.category
        assert np.array_equal(record.landmarks, garment.landmarks)
        assert np.array_equal(record.visibility, garment.visibility)
        assert np.array_equal(read_image(record), garment.image)


@pytest.mark.parametrize(("spec", "seed", "size"), [("1", 0, 256), ("1@4", 4, 256), ("1@4/96", 4, 96)])
def test_forms(spec: str, seed: int, size: int) -> None:
    assert load_dataset(f"rendered:{spec}").records[0].image == RenderKey(seed, 0, size)


@pytest.mark.parametrize(
    "spec", ["0", "-3", "x", "3@", "3@x", "3/64", "3@1/", "3@1/8", "3@1/9999", "3@1/64/2", "³", "3 "]
)
def test_malformed_specs(spec: str) -> None:
    with pytest.raises(UsageError, match="rendered:COUNT@SEED/SIZE"):
        load_dataset(f"rendered:{spec}")


def test_another_schema_is_refused() -> None:
    with pytest.raises(UsageError, match="expected fashionai24"):
        load_dataset("rendered:1", schema="lsp14")


def test_only_what_is_new_is_drawn(cache: Path) -> None:
    assert drawn("rendered:4@0/32") == 4
    assert drawn("rendered:4@0/32") == 0
    assert drawn("rendered:3@0/32") == 0
    assert drawn("rendered:6@0/32") == 2
    assert drawn("rendered:6@1/32") == 6
    assert drawn("rendered:6@0/40") == 6
    assert len(list(cache.iterdir())) == 3


def test_the_cached_truth_is_the_drawn_one() -> None:
    short = load_dataset("rendered:3@0/32")
    fresh = load_dataset("rendered:6@0/32")
    again = load_dataset("rendered:6@0/32")
    assert fresh.digest == again.digest
    assert fresh.subset(range(3)).digest == short.digest


def test_a_damaged_cache_is_drawn_anew(cache: Path) -> None:
    good = load_dataset("rendered:3@0/32").digest
    path = cache_file(0, 32)
    assert path.parent == cache
    content = path.read_bytes()
    for broken in (b"", b"PK", content[: len(content) // 2], content[:-1], content.replace(b"NUMPY", b"NUMPX")):
        path.write_bytes(broken)
        assert load_dataset("rendered:3@0/32").digest == good
        assert drawn("rendered:3@0/32") == 0
    arrays = dict(np.load(path))
    for name, value in (
        ("landmarks", arrays["landmarks"] * np.float32("nan")),
        ("landmarks", arrays["landmarks"][:, :7]),
        ("landmarks", arrays["landmarks"][:2]),
        ("visibility", arrays["visibility"] + np.int8(5)),
        ("visibility", arrays["visibility"].astype(np.int64)),
        ("categories", arrays["categories"] + np.int8(5)),
        ("categories", np.array([{"not": "plain"}] * 3, object)),
    ):
        np.savez(path, **{**arrays, name: value})
        assert load_dataset("rendered:3@0/32").digest == good


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    dataset = load_dataset("rendered:2@0/32")
    assert len(dataset) == 2
    assert "landmarks are not kept" in " ".join(dataset.notes)


def test_many_are_drawn_by_several_processes(cache: Path) -> None:
    """In a process of its own, as workers start from its main module; the limit is lowered to draw only a few."""
    script = cache.parent / "draw.py"
    script.write_text(
        "from fpm_edge.data import load_dataset, rendered\n"
        "rendered._POOL_FROM = 4\n"
        "rendered._CHUNK = 2\n"
        "if __name__ == '__main__':\n"
        "    print(load_dataset('rendered:6@0/32').digest)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    for file in cache.iterdir():
        file.unlink()
    assert done.stdout.strip() == load_dataset("rendered:6@0/32").digest
    assert rendered._POOL_FROM > 6


def test_workers_without_a_main_guard_say_what_to_do(cache: Path) -> None:
    script = cache.parent / "draw.py"
    script.write_text(
        "from fpm_edge.data import load_dataset, rendered\nrendered._POOL_FROM = 4\nload_dataset('rendered:6@0/32')\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert 'if __name__ == "__main__"' in done.stderr.splitlines()[-1]
