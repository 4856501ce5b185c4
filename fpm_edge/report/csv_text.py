"""The report's numbers as a table for spreadsheets: ``report.csv``, one row for each variant and number of stages."""

import csv
import io
from typing import Any

from fpm_edge.report.data import ReportData, StageRow, Variant
from fpm_edge_runtime.bundle.manifest import Interval

__all__ = ["csv_text"]


def csv_text(data: ReportData) -> str:
    """CSV (RFC 4180) with a heading. Columns may be added at the end; those that are there keep name and meaning.

    NE, drift and disagreement are shares of the picture's sides, relative drift is a share of float's NE. An empty cell
    is a number that is not known.
    """
    out = io.StringIO(newline="")
    rows = [_row(data, variant, row) for variant in data.variants for row in variant.stages]
    writer = csv.DictWriter(out, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _row(data: ReportData, variant: Variant, row: StageRow) -> dict[str, Any]:
    bundle = next((one for one in data.bundles if one.label == variant.bundle), None)
    times = row.latency
    return {
        "variant": variant.name,
        "bundle": variant.bundle,
        "precision": variant.precision,
        "method": variant.method,
        "format": variant.format,
        "engine": variant.engine,
        "engine_version": variant.engine_version,
        "threads": data.environment.threads,
        "is_reference": int(variant.is_reference),
        "stages": row.stages,
        "size_bytes": row.bytes,
        "ne": row.ne,
        "ne_visible": row.ne_visible,
        "pck_0.05_share": row.pck,
        "float_ne": row.float_ne,
        **_bounds("drift", row.drift),
        **_bounds("relative_drift_share", row.relative_drift),
        **_bounds("disagreement", row.disagreement),
        "inference_median_ms": times.inference.median,
        "inference_p90_ms": times.inference.p90,
        "inference_p99_ms": times.inference.p99,
        "engine_median_ms": times.engine.median,
        "engine_p90_ms": times.engine.p90,
        "engine_p99_ms": times.engine.p99,
        "preprocess_median_ms": times.preprocess_ms,
        "decode_median_ms": times.decode_ms,
        "timed_rounds": times.inference.runs,
        "inference_to_float32_ratio": row.ratio,
        "engine_to_float32_ratio": row.engine_ratio,
        "data": data.dataset.name,
        "pictures": data.dataset.pictures,
        "data_sha256": data.dataset.digest,
        "bundle_sha256": None if bundle is None else bundle.digest,
        "created": data.created,
        "cpu": data.environment.cpu,
    }


def _bounds(name: str, interval: Interval | None) -> dict[str, float | None]:
    if interval is None:
        return {name: None, f"{name}_lower": None, f"{name}_upper": None}
    return {name: interval.estimate, f"{name}_lower": interval.lower, f"{name}_upper": interval.upper}
