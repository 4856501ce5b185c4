"""Accuracy against latency of bundles: `measure` them, `write_report` the page, the JSON and the pictures."""

from fpm_edge.report.data import ReportData
from fpm_edge.report.measure import measure

__all__ = ["ReportData", "measure"]
