"""Bounds of a median that hold for any distribution."""

from math import comb

__all__ = ["median_ranks"]

_CONFIDENCE = 0.95


def median_ranks(count: int) -> tuple[int, int]:
    """Ranks, from 0, of the two of `count` sorted values between which the median lies with 95 % confidence.

    The number of values below the median is binomial. Of fewer than six values it is the first and the last, and the
    confidence is what it is (94 % of five).
    """
    tail, low = 0.0, 0
    for rank in range(count // 2):
        tail += comb(count, rank) / 2**count
        if 2 * tail > 1 - _CONFIDENCE:
            break
        low = rank
    return low, count - 1 - low
