"""A peak of a heatmap that is no single cell."""

from typing import NamedTuple

__all__ = ["Plateau"]


class Plateau(NamedTuple):
    """Several cells that tie: their number, their centroid, and the outermost of them."""

    cells: int
    x: float
    y: float
    left: int
    top: int
    right: int
    bottom: int

    @property
    def extent(self) -> int:
        """How far apart the outermost are, in columns or rows."""
        return max(self.right - self.left, self.bottom - self.top)
