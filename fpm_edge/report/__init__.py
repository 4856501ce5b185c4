"""Accuracy against latency of bundles: `measure` them, then `write_report` the page, the JSON and the pictures."""

from fpm_edge.report.data import ReportData
from fpm_edge.report.measure import measure
from fpm_edge.report.write import write_report

__all__ = ["ReportData", "measure", "write_report"]
