"""Batches of training pictures, and how they are shared out among workers and devices."""

from typing import Any, NamedTuple, TypeAlias

__all__ = ["Batch", "share_of", "shares"]

Tensor: TypeAlias = Any


class Batch(NamedTuple):
    """Some pictures as the training step takes them; heatmaps are made on the device.

    Attributes:
        image: (batch, height, width, 3) uint8.
        landmarks: (batch, L, 2) float32, input pixels.
        visibility: (batch, L) int8.
        category: (batch,) int32, index into the schema's categories; after the last of them: no garment.
        draws: (batch, DRAWS) float32, the random numbers of the augmentation.
    """

    image: Tensor
    landmarks: Tensor
    visibility: Tensor
    category: Tensor
    draws: Tensor

    def part(self, first: int, count: int) -> "Batch":
        """The pictures from `first` on, `count` of them."""
        return Batch(*(field[first : first + count] for field in self))


def shares(count: int, parts: int) -> list[int]:
    """`count` pictures dealt to `parts` devices as evenly as can be, the first ones getting one more: 5, 2 → [3, 2]."""
    each, over = divmod(count, parts)
    return [each + (part < over) for part in range(parts)]


def share_of(count: int, parts: int, first: int, taken: int) -> tuple[int, int]:
    """Where the share of devices `first` … `first + taken − 1` of `parts` begins in `count` pictures, and its size."""
    dealt = shares(count, parts)
    return sum(dealt[:first]), sum(dealt[first : first + taken])
