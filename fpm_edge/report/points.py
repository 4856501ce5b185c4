"""Every choice that a report offers as one point: a variant with a number of stages on a device."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fpm_edge.report.data import ReportData, Variant
from fpm_edge.report.devices import BenchRow, bench_rows
from fpm_edge_runtime.bundle.manifest import Interval, Precision

__all__ = ["Point", "mark_optimal", "points_of"]

# As the page writes an NE.
_DECIMALS = 4


@dataclass(frozen=True)
class Point:
    """One choice.

    Attributes:
        variant: name of bundle and engine.
        device: what it was timed on.
        precision, engine, threads, stages: what the page filters by.
        ne, ne_interval: on the report's data; the same file answers alike on every device.
        median, p90: inference, milliseconds.
        preprocess: resizing a decoded picture, milliseconds.
        bytes: of the pieces that run.
        relative_drift: from the float model; None for the float model itself, or without one.
        is_reference: it is the float model.
        ratio: median inference over that of float32 with as many stages in the same engine on the same device.
        optimal: nothing on the same device is both as fast and as accurate (see `mark_optimal`).
    """

    variant: str
    device: str
    precision: Precision
    engine: str
    threads: int
    stages: int
    ne: float
    ne_interval: Interval | None
    median: float
    p90: float
    preprocess: float
    bytes: int
    relative_drift: Interval | None
    is_reference: bool
    ratio: float | None
    optimal: bool = False


def points_of(data: ReportData) -> tuple[Point, ...]:
    """All choices, the report's own device first."""
    found = [point for variant in data.variants for point in _of_variant(variant, data)]
    return mark_optimal(found + [_of_bench(row) for row in bench_rows(data)])


def mark_optimal(points: Sequence[Point]) -> tuple[Point, ...]:
    """The same points; those of each device's Pareto front are marked.

    A point is on the front where no other point of the device has a median and an NE that are both at most its own,
    one of them lower. NEs that read the same, to four decimals, count as the same. Devices are not compared with each
    other: nobody chooses the slower device for its speed.
    """
    return tuple(replace(point, optimal=not any(_beats(other, point) for other in points)) for point in points)


def _beats(other: Point, point: Point) -> bool:
    theirs, mine = (other.median, round(other.ne, _DECIMALS)), (point.median, round(point.ne, _DECIMALS))
    return other.device == point.device and theirs != mine and theirs[0] <= mine[0] and theirs[1] <= mine[1]


def _of_bench(bench: BenchRow) -> Point:
    row, accuracy = bench.row, bench.accuracy
    return Point(
        variant=bench.variant,
        device=bench.device,
        precision=row.precision,
        engine=row.engine,
        threads=row.threads,
        stages=row.stages,
        ne=accuracy.ne,
        ne_interval=accuracy.ne_interval,
        median=row.inference.p50,
        p90=row.inference.p90,
        preprocess=row.parts.preprocess,
        bytes=row.bytes,
        relative_drift=None if bench.is_reference else accuracy.relative_drift,
        is_reference=bench.is_reference,
        ratio=None if row.to_float is None else row.to_float.estimate,
    )


def _of_variant(variant: Variant, data: ReportData) -> list[Point]:
    return [
        Point(
            variant=variant.name,
            device=data.environment.cpu,
            precision=variant.precision,
            engine=variant.engine,
            threads=data.environment.threads,
            stages=row.stages,
            ne=row.ne,
            ne_interval=row.ne_interval,
            median=row.latency.inference.median,
            p90=row.latency.inference.p90,
            preprocess=row.latency.preprocess_ms,
            bytes=row.bytes,
            relative_drift=None if variant.is_reference else row.relative_drift,
            is_reference=variant.is_reference,
            ratio=row.ratio if variant.precision != "float32" else None,
        )
        for row in variant.stages
    ]
