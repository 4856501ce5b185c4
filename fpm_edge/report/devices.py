"""Results of `fpm-edge bench`, from other devices or this one, put beside a report's own."""

from collections.abc import Sequence
from dataclasses import dataclass

from fpm_edge.bench import Bench
from fpm_edge.bench.data import Row
from fpm_edge.report.data import BundleFacts, ReportData, StageRow, Variant
from fpm_edge.report.plan import ENGINE_TITLES
from fpm_edge_runtime.errors import DataError

__all__ = ["BenchRow", "bench_rows", "check_benches"]


@dataclass(frozen=True)
class BenchRow:
    """One row of a bench, and what the report knows of the same bundle.

    Attributes:
        device: what the page calls the device; each bench has another.
        variant: what the page calls the bundle in that engine.
        row: as measured.
        accuracy: the report's row of the same bundle with as many stages; in the same engine where there is one.
        is_reference: the bundle is the float model that the others are compared with.
    """

    device: str
    variant: str
    row: Row
    accuracy: StageRow
    is_reference: bool


def check_benches(bundles: Sequence[BundleFacts], benches: Sequence[tuple[str, Bench]]) -> None:
    """Whether benches, given as (file, content), are about the report's bundles.

    Raises:
        DataError: a bench is about another bundle.
    """
    known = {bundle.digest for bundle in bundles}
    for file, bench in benches:
        for bundle in bench.bundles:
            if bundle.digest not in known:
                have = ", ".join(f"{one.label} ({one.digest[:12]}…)" for one in bundles)
                raise DataError(
                    f"{file} was measured with bundle {bundle.label!r} (digest {bundle.digest[:12]}…), and the report "
                    f"is about: {have}; give the very bundle that was on the device, or measure there again"
                )


def bench_rows(data: ReportData) -> tuple[BenchRow, ...]:
    """All rows of all benches, in their order."""
    labels = {bundle.digest: bundle.label for bundle in data.bundles}
    found = []
    for device, bench in zip(_device_names(data), data.benches, strict=True):
        mine = {bundle.label: labels[bundle.digest] for bundle in bench.bundles}
        for row in bench.rows:
            variant = _variant_of(data, mine[row.bundle], row)
            name = f"{variant.name.rpartition(', ')[0]}, {ENGINE_TITLES.get(row.engine, row.engine)}"
            found.append(
                BenchRow(device, name, row, variant.stages[row.stages - 1], variant.bundle == variant.reference)
            )
    return tuple(found)


def _device_names(data: ReportData) -> list[str]:
    """As the benches say; numbered where two have the same, or that of the report's own device."""
    names: list[str] = []
    taken = {data.environment.cpu}
    for bench in data.benches:
        name, number = bench.device.name, 2
        while name in taken:
            name, number = f"{bench.device.name} ({number})", number + 1
        taken.add(name)
        names.append(name)
    return names


def _variant_of(data: ReportData, label: str, row: Row) -> Variant:
    """The report's variant of a bundle whose accuracy stands for a row: rather the same engine, or the same format."""
    mine = [variant for variant in data.variants if variant.bundle == label and len(variant.stages) >= row.stages]
    if not mine:
        raise DataError(
            f"a bench ran {row.stages} stages of {label!r}, which the report has not measured; measure with all stages"
        )
    return min(mine, key=lambda variant: (variant.engine != row.engine, variant.format != row.format))
