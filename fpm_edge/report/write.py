"""Write a report: the page, the JSON and the pictures."""

from pathlib import Path

from fpm_edge.report.data import ReportData
from fpm_edge.report.html import render_html
from fpm_edge.report.json_text import json_text
from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.files import write_atomically

__all__ = ["write_report"]


def write_report(data: ReportData, folder: Path) -> Path:
    """Write ``report.html``, ``report.json`` and ``overlays/*.png`` into a folder, which is made if need be.

    Each file appears whole or not at all, the page last.

    Returns:
        The page.

    Raises:
        UsageError: the folder is a file.
    """
    page = render_html(data)
    try:
        (folder / "overlays").mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"{folder} cannot be the report's folder: {error}; name another") from error
    for file, png in data.pictures.items():
        write_atomically(folder / file, png)
    write_atomically(folder / "report.json", json_text(data.to_dict()))
    path = folder / "report.html"
    write_atomically(path, page)
    return path
