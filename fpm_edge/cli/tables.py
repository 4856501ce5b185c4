"""Tables that several commands print."""

from rich.table import Table

from fpm_edge.accuracy.drift import DriftReport
from fpm_edge_runtime.check.self_check import GoldenReport

__all__ = ["drift_table", "golden_table", "landmark_table"]


def drift_table(report: DriftReport, title: str) -> Table:
    """Drift and disagreement by stage."""
    table = Table(title=title, title_justify="left")
    for heading in ("stage", "float NE", "NE", "drift", "95 % bounds", "disagreement"):
        table.add_column(heading, justify="right")
    for stage in report.stages:
        relative = stage.relative_drift
        table.add_row(
            str(stage.stage),
            "–" if stage.float_ne is None else f"{stage.float_ne:.4f}",
            "–" if stage.converted_ne is None else f"{stage.converted_ne:.4f}",
            "–" if relative is None else f"{relative.estimate:+.2%}",
            "–" if relative is None else f"{relative.lower:+.2%} … {relative.upper:+.2%}",
            f"{stage.disagreement.estimate:.4f}",
        )
    return table


def landmark_table(report: DriftReport) -> Table:
    """Drift and disagreement by landmark at the last stage, worst first."""
    table = Table(title="by landmark, last stage, largest disagreement first", title_justify="left")
    table.add_column("landmark")
    for heading in ("points", "float NE", "NE", "drift", "disagreement"):
        table.add_column(heading, justify="right")
    present = [entry for entry in report.landmarks if entry.disagreement is not None]
    for entry in sorted(present, key=lambda e: -e.disagreement.estimate if e.disagreement else 0.0):
        table.add_row(
            entry.name,
            str(entry.count),
            "–" if entry.float_ne is None else f"{entry.float_ne:.4f}",
            "–" if entry.converted_ne is None else f"{entry.converted_ne:.4f}",
            "–" if entry.relative_drift is None else f"{entry.relative_drift.estimate:+.2%}",
            "–" if entry.disagreement is None else f"{entry.disagreement.estimate:.4f}",
        )
    return table


def golden_table(report: GoldenReport) -> Table:
    """The self-check by stage."""
    table = Table(title=f"self-check on {report.cases} golden cases", title_justify="left")
    for heading in ("stage", "mean disagreement", "worst", "limit", "verdict"):
        table.add_column(heading, justify="right")
    for stage in report.stages:
        table.add_row(str(stage.stage), f"{stage.mean:.4f}", f"{stage.worst:.4f}", f"{stage.limit:.4f}", stage.verdict)
    return table
