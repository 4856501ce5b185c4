"""Accuracy against latency of bundles: `measure` them, then `write_report` the page, the numbers and the pictures.

`read_report` reads one back, `compare_reports` and `compare_bundles` say what changed, `judge_report` and
`judge_comparison` hold either to budgets.
"""

from fpm_edge.report.changes import Comparison
from fpm_edge.report.compare import compare_bundles, compare_reports
from fpm_edge.report.data import ReportData
from fpm_edge.report.gate import Limits, judge_comparison, judge_report
from fpm_edge.report.measure import measure
from fpm_edge.report.read import read_report
from fpm_edge.report.write import write_comparison, write_report

__all__ = [
    "Comparison",
    "Limits",
    "ReportData",
    "compare_bundles",
    "compare_reports",
    "judge_comparison",
    "judge_report",
    "measure",
    "read_report",
    "write_comparison",
    "write_report",
]
