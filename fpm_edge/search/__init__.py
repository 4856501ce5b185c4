"""Search stages × precision × input size × engine × threads for what keeps the user's budgets.

`prepare`, then `search`; each step is a module: `setup` and `space` (the candidates), `run` (rung after rung), `files`
(conversions), `scoring` and `timing` (a trial), `halving` (who goes on), `store` (what was found, on disk), `result`
(the choice).
"""

from collections.abc import Callable
from pathlib import Path

from fpm_edge.search.budgets import Budgets
from fpm_edge.search.result import SearchResult
from fpm_edge.search.run import BUNDLE, CANDIDATES, run_search
from fpm_edge.search.setup import RUNGS, Rung, Setup, prepare
from fpm_edge.search.space import PRECISIONS, Candidate, File, Space
from fpm_edge.search.store import TRIALS, check_begun
from fpm_edge.search.trial import Score, Time, Trial
from fpm_edge.search.write import write_search
from fpm_edge_runtime.errors import UsageError

__all__ = [
    "BUNDLE",
    "PRECISIONS",
    "RUNGS",
    "TRIALS",
    "Budgets",
    "Candidate",
    "File",
    "Rung",
    "Score",
    "SearchResult",
    "Setup",
    "Space",
    "Time",
    "Trial",
    "prepare",
    "search",
]


def search(
    setup: Setup, output: Path, *, resume: bool = False, tell: Callable[[str], None] = lambda message: None
) -> SearchResult:
    """Find the most accurate way to run a model that keeps the budgets, and write its bundle.

    Args:
        setup: of `prepare`.
        output: folder for ``trials.jsonl``, ``search.json``, ``pareto.png`` and ``model.fpm``; made if need be.
        resume: go on with the trials in `output`.
        tell: told what is being done.

    Returns:
        What was found. Where nothing keeps the budgets, there is no bundle, and `SearchResult.require_choice` raises.

    Raises:
        UsageError: `output` is a file, holds another search or bundle, or no search that could be resumed.
        ConversionError: nothing could be converted.
        DataError: blank calibration pictures, or an earlier search that is damaged.
    """
    check_begun(output / TRIALS, resume=resume)
    for name in () if resume else (BUNDLE, CANDIDATES):
        if (output / name).exists():
            raise UsageError(f"{output / name} is where this search would write; name another folder")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise UsageError(f"{output} cannot be the folder of a search: {error}; name another") from error
    result = run_search(setup, output, resume=resume, tell=tell)
    write_search(result, output)
    return result
