"""The file of `bench --export`: it comes back as it was, and what is no such file is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from small_bundle import small_bundle

from fpm_edge.bench import Bench, Settings, bench, read_bench, synthetic_frames, write_bench
from fpm_edge.bench.file import MOST_BYTES, decode_bench, encode_bench
from fpm_edge.bench.warm_up import WarmUpRule
from fpm_edge_runtime import DataError, open_bundle


@pytest.fixture(scope="module")
def measured() -> Bench:
    """Two bundles in memory, so that there is no cold start."""
    bundles = [(label, open_bundle(small_bundle())) for label in ("a", "b")]
    settings = Settings(queries=8, seconds=0.0, turns=4, processes=1, warm_up=WarmUpRule(4, 0.0, most=0.1))
    return bench(bundles, synthetic_frames(40, 30), engines=["onnxruntime"], settings=settings, device="test bench")


def test_round_trip(measured: Bench, tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    write_bench(measured, path)
    assert read_bench(path) == measured
    content = json.loads(path.read_text("utf-8"))
    assert (content["format"], content["version"]) == ("fpm-edge-bench", 1)
    assert content["device"]["name"] == "test bench"
    assert [path.name for path in tmp_path.iterdir()] == ["bench.json"]


def test_later_fields_are_left_out(measured: Bench) -> None:
    content = msgspec.to_builtins(measured)
    content["weather"] = content["device"]["weather"] = content["rows"][0]["weather"] = "fine"
    assert decode_bench(json.dumps(content).encode(), "it") == measured


def change(*path: str | int, to: Any) -> Callable[[Any], None]:
    def apply(content: Any) -> None:
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = to

    return apply


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (change("version", to=2), "version 2 of fpm-edge-bench, this fpm-edge reads 1; update"),
        (change("version", to="1"), "is not a result of"),
        (change("format", to="fpm-edge-report"), "has format 'fpm-edge-report'; expected 'fpm-edge-bench'"),
        (change("rows", to=[]), "no rows"),
        (change("rows", 0, "bundle", to="c"), "row 0 is about bundle 'c'"),
        (change("rows", 0, "stages", to=2), "row 0 ran 2 stages of 'a', which has 1"),
        (change("rows", 1, "to_first", "row", to=2), "row 1 has a ratio to row 2 of 2"),
        (change("rows", 1, "total", "p90", to="fast"), r"is damaged: .* at `\$\.rows\[1\]\.total\.p90`"),
        (change("rows", 1, "total", "p90", to=-1.0), "is damaged"),
        (change("rows", 0, "threads", to=0), "is damaged"),
        (change("bundles", 1, "label", to="a"), "two bundles have the same label"),
        (lambda content: content.pop("protocol"), "missing required field `protocol`"),
    ],
)
def test_what_is_refused(measured: Bench, spoil: Callable[[Any], None], message: str) -> None:
    content = msgspec.to_builtins(measured)
    spoil(content)
    with pytest.raises(DataError, match=message):
        decode_bench(json.dumps(content).encode(), "pi.json")


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"format": "x", "version": NaN}'])
def test_what_is_no_json_of_ours(data: bytes) -> None:
    with pytest.raises(DataError, match=r"pi\.json"):
        decode_bench(data, "pi.json")


def test_a_file_is_read_up_to_its_bound(measured: Bench, tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_bytes(encode_bench(measured) + b" " * MOST_BYTES)
    with pytest.raises(DataError, match="over 16 MiB"):
        read_bench(path)
    with pytest.raises(DataError, match="cannot be read"):
        read_bench(tmp_path / "none.json")
    with pytest.raises(DataError, match="cannot be read"):
        read_bench(tmp_path)


def test_every_cut_is_refused(measured: Bench) -> None:
    data = encode_bench(measured).rstrip()
    for end in range(0, len(data), 97):
        with pytest.raises(DataError):
            decode_bench(data[:end], "cut")


def test_a_bundle_in_memory_has_no_cold_start(measured: Bench) -> None:
    assert {row.cold_why for row in measured.rows} == {"the bundle is in memory, and a fresh process opens a file"}
    assert all(row.cold is None and row.memory.peak_mb is None for row in measured.rows)
