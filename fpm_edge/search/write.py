"""Write what a search found beside its trials: ``search.json`` and ``pareto.png``."""

from pathlib import Path

import msgspec

from fpm_edge.search.plot import pareto_plot
from fpm_edge.search.result import SearchResult
from fpm_edge_runtime.files import write_atomically

__all__ = ["write_search"]


def write_search(result: SearchResult, folder: Path) -> None:
    """Write both files; each appears whole or not at all."""
    write_atomically(folder / "pareto.png", pareto_plot(result))
    write_atomically(folder / "search.json", msgspec.json.format(msgspec.json.encode(result.to_dict()), indent=2))
