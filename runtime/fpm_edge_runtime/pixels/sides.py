"""Landmarks whose names say that they are two sides, in a schema that lets both stay in place in a mirror image."""

import re
from collections.abc import Sequence

__all__ = ["unpaired_sides"]

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^a-zA-Z]+")
_LETTERS = {"l": "r"}


def unpaired_sides(landmarks: Sequence[str], flip: Sequence[int]) -> tuple[tuple[str, str], ...]:
    """Pairs such as ``cuff_left`` and ``cuff_right`` (or ``LCuff`` and ``RCuff``) that the schema does not pair.

    Names are never taken for pairs, for they may lie; they are a reason to ask.

    Args:
        landmarks: the L names.
        flip: (L,) index of the landmark that takes the place of each in a mirror image.
    """
    words = [tuple(word.lower() for word in _WORD.findall(name)) for name in landmarks]
    index = {found: i for i, found in enumerate(words)}
    pairs = []
    for i, found in enumerate(words):
        swapped = tuple(_LETTERS.get(word, word.replace("left", "right")) for word in found)
        other = index.get(swapped, i)
        if other != i and flip[i] == i and flip[other] == other:
            pairs.append((landmarks[i], landmarks[other]))
    return tuple(pairs)
