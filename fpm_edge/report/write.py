"""Write a report, or a comparison, in all its forms."""

from pathlib import Path

from fpm_edge.report.changes import Comparison
from fpm_edge.report.compare_markdown import comparison_markdown
from fpm_edge.report.csv_text import csv_text
from fpm_edge.report.data import ReportData
from fpm_edge.report.html import render_html
from fpm_edge.report.json_schema import REPORT_FILE
from fpm_edge.report.json_text import json_text
from fpm_edge.report.markdown import report_markdown
from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.files import write_atomically

__all__ = ["WRITTEN", "write_comparison", "write_report"]


WRITTEN = (REPORT_FILE, "report.csv", "report.md", "report.html", "overlays/*.png", "compare.json", "compare.md")
"""What a report and a comparison write into their folder: names, and a pattern."""


def write_report(data: ReportData, folder: Path) -> Path:
    """Write ``report.html``, ``.json``, ``.csv`` and ``.md`` and ``overlays/*.png`` into a folder, made if need be.

    Each file appears whole or not at all, the page last.

    Returns:
        The page.

    Raises:
        UsageError: the folder is a file.
    """
    page = render_html(data)
    texts: dict[str, bytes | str] = {
        REPORT_FILE: json_text(data.to_dict()),
        "report.csv": csv_text(data),
        "report.md": report_markdown(data),
    }
    _make(folder / "overlays", folder)
    for file, png in data.pictures.items():
        write_atomically(folder / file, png)
    for file, text in texts.items():
        write_atomically(folder / file, text)
    path = folder / "report.html"
    write_atomically(path, page)
    return path


def write_comparison(found: Comparison, folder: Path) -> Path:
    """Write ``compare.json`` and ``compare.md`` into a folder, which is made if need be.

    Each file appears whole or not at all, the Markdown last.

    Returns:
        The Markdown.

    Raises:
        UsageError: the folder is a file.
    """
    text = comparison_markdown(found)
    _make(folder, folder)
    write_atomically(folder / "compare.json", json_text(found.to_dict()))
    path = folder / "compare.md"
    write_atomically(path, text)
    return path


def _make(wanted: Path, folder: Path) -> None:
    try:
        wanted.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"{folder} cannot be the report's folder: {error}; name another") from error
