"""Progress with an ETA on stderr, shown on a terminal only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fpm_edge.text.terminal import console, shown

__all__ = ["progress_bar"]

Advance = Callable[..., None]


@contextmanager
def progress_bar(description: str, total: int, done: int = 0) -> Iterator[Advance]:
    """A bar of `total` steps. Yields ``advance(steps=1, note="")``, which does nothing where there is no terminal."""
    out = console(stderr=True)
    if not out.is_terminal:
        yield lambda steps=1, note="": None
        return
    # Not above: commands without a bar start sooner.
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=out, transient=True) as bar:
        task = bar.add_task(shown(description), total=total, completed=done, note="")
        yield lambda steps=1, note="": bar.update(task, advance=steps, **_fields(note))


def _fields(note: str) -> dict[str, Any]:
    """What a bar is told; without a note it keeps the one before."""
    return {"note": shown(note)} if note else {}
