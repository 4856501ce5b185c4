"""What `fpm-edge run` says about each picture: JSON for machines, tables for people."""

from pathlib import Path
from typing import Any

from rich.table import Table

from fpm_edge.pictures.overlay import believed, category_words, percent
from fpm_edge_runtime import Detection, Session
from fpm_edge_runtime.bundle.recognition import NOTHING

__all__ = ["HEADINGS", "Answer"]

HEADINGS = ("picture", "category", "stages", "stopped by", "ms", "believed")
"""Of a table of pictures, see `Answer.cells`."""

_UNKNOWN = "not known: all landmarks"
# Rows of landmarks that are not drawn.
_DIM = "dim"


class Answer:
    """The answer for one picture.

    Args:
        path: of the picture.
        found: what was found.
        session: what found it.
        given: the category that was asked for; None if it was to be found.
        blank: whether the picture is of nearly one colour.
        overlay: the picture that was drawn; None without one.
    """

    def __init__(
        self,
        path: Path,
        found: Detection,
        session: Session,
        given: str | None,
        blank: bool,
        overlay: Path | None = None,
    ) -> None:
        self._path, self._found, self._session = path, found, session
        self._given, self._blank, self._overlay = given, blank, overlay

    @property
    def drawn(self) -> bool:
        """Whether there is a picture with landmarks."""
        return self._overlay is not None

    def row(self) -> dict[str, Any]:
        """For JSON; landmarks of the category only."""
        found, session = self._found, self._session
        score = found.category_score
        row = {
            "image": str(self._path),
            "category": found.category,
            "category_score": None if score is None else round(score, 4),
            "blank": self._blank,
            "looks": found.looks,
            "stages_run": found.stages_run,
            "stop_reason": found.stop_reason,
            "engine": found.engine,
            "delegate": session.delegate,
            "delegated": session.delegated,
            "total_ms": round(found.timings.total_ms, 3),
            "landmarks": self._points(),
        }
        return row if self._overlay is None else row | {"overlay": str(self._overlay)}

    def cells(self) -> tuple[str, ...]:
        """For a table of pictures, as `HEADINGS`."""
        found = self._found
        return (
            self._path.name,
            f"blank; {self._category()}" if self._blank else self._category(),
            str(found.stages_run) if found.looks == 1 else f"{found.stages_run}, second look",
            found.stop_reason,
            f"{found.timings.total_ms:.1f}",
            f"{int(believed(found).sum())} of {int(found.labelled.sum())}",
        )

    def table(self) -> Table | None:
        """The landmarks, one a row, those that are not believed dim; None if there are none."""
        points, trusted = self._points(), believed(self._found)
        if not points:
            return None
        confident = self._found.confidences is not None
        table = Table()
        table.add_column("landmark")
        for heading in ("x", "y", "score", *(("confidence",) if confident else ())):
            table.add_column(heading, justify="right")
        for name, point in points.items():
            cells = [name, f"{point['x']:.1f}", f"{point['y']:.1f}"]
            cells.append(f"{point['score']:.2f}" + (f" ({point['doubt']})" if "doubt" in point else ""))
            if confident:
                cells.append(percent(point["confidence"]))
            sure = trusted[self._session.schema.landmarks.index(name)]
            table.add_row(*cells, style=None if sure else _DIM)
        return table

    def _category(self) -> str:
        found = self._found
        if self._given is not None:
            return f"{self._given} (as given)"
        if found.category == NOTHING:
            share = found.category_score
            return "no garment found" if share is None else f"no garment found ({percent(share)})"
        return category_words(found) or _UNKNOWN

    def _points(self) -> dict[str, dict[str, Any]]:
        found = self._found
        points: dict[str, dict[str, Any]] = {}
        for index, name in enumerate(self._session.schema.landmarks):
            if not found.labelled[index]:
                continue
            x, y = found.landmarks[index].tolist()
            points[name] = {"x": round(x, 2), "y": round(y, 2), "score": round(float(found.scores[index]), 4)}
            if found.confidences is not None:
                points[name]["confidence"] = round(float(found.confidences[index]), 4)
            if name in found.doubts:
                points[name]["doubt"] = found.doubts[name]
        return points
