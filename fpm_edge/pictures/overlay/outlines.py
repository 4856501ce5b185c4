"""The outline of a garment through its landmarks: which are neighbours, and what to draw where some are missing."""

from collections.abc import Sequence
from dataclasses import dataclass

from fpm_edge_runtime.bundle.schema import LandmarkSchema

__all__ = ["Drawn", "outline_of", "trace_outline"]

_TOP = ("neckline_left", "shoulder_left", "cuff_left_out", "cuff_left_in", "armpit_left")
_TOP_BACK = ("armpit_right", "cuff_right_in", "cuff_right_out", "shoulder_right", "neckline_right")
_WAIST, _WAIST_BACK = ("waistline_left",), ("waistline_right",)
_HEM, _TOP_HEM = ("hemline_left", "hemline_right"), ("top_hem_left", "top_hem_right")
_SLEEVES, _SLEEVES_BACK = ("left_collar", "left_sleeve"), ("right_sleeve", "right_collar")

# Schema → category → landmarks around the garment; after the last comes the first.
_OUTLINES: dict[str, dict[str, tuple[str, ...]]] = {
    "fashionai24": {
        "blouse": (*_TOP, *_TOP_HEM, *_TOP_BACK, "center_front"),
        "outwear": (*_TOP, *_WAIST, *_TOP_HEM, *_WAIST_BACK, *_TOP_BACK),
        "dress": (*_TOP, *_WAIST, *_HEM, *_WAIST_BACK, *_TOP_BACK, "center_front"),
        "skirt": ("waistband_left", *_HEM, "waistband_right"),
        "trousers": (
            "waistband_left",
            "bottom_left_out",
            "bottom_left_in",
            "crotch",
            "bottom_right_in",
            "bottom_right_out",
            "waistband_right",
        ),
    },
    "deepfashion8": {
        "upper_body": (*_SLEEVES, "left_hem", "right_hem", *_SLEEVES_BACK),
        "lower_body": ("left_waistline", "left_hem", "right_hem", "right_waistline"),
        "full_body": (*_SLEEVES, "left_waistline", "left_hem", "right_hem", "right_waistline", *_SLEEVES_BACK),
    },
}
# Without these the edge runs straight on between their neighbours.
_ON_THE_WAY = ("center_front", "waistline_left", "waistline_right", "left_waistline", "right_waistline")
# Without these there may be no sleeve, or one that was not found: the armhole is drawn, dashed.
_SLEEVE_ENDS = (("cuff_left_out", "cuff_left_in"), ("cuff_right_in", "cuff_right_out"))


@dataclass(frozen=True)
class Drawn:
    """An outline as it is to be drawn, by indices of landmarks.

    Attributes:
        solid: lines through two or more landmarks each; a whole outline is one line that ends where it began.
        dashed: pairs of landmarks.
    """

    solid: tuple[tuple[int, ...], ...]
    dashed: tuple[tuple[int, int], ...]


def outline_of(schema: LandmarkSchema, category: str | None) -> tuple[int, ...] | None:
    """Indices of the landmarks around a garment of this category; None where nobody has said which they are."""
    names = _OUTLINES.get(schema.name, {}).get(category or "")
    if names is None or not set(names) <= set(schema.landmarks):
        return None
    return tuple(schema.landmarks.index(name) for name in names)


def trace_outline(schema: LandmarkSchema, around: Sequence[int], shown: Sequence[bool]) -> Drawn:
    """The outline through the landmarks that are shown.

    Neighbours are joined. Where landmarks between two shown ones are missing, the outline is left open, but for those
    that lie on a straight edge anyway (joined), and for sleeves (dashed).

    Args:
        schema: names the landmarks.
        around: as `outline_of` gives it.
        shown: (landmarks,) which are drawn.
    """
    kept = [place for place, index in enumerate(around) if shown[index]]
    if len(kept) < 2:
        return Drawn((), ())
    solid: list[list[int]] = [[around[kept[0]]]]
    dashed: list[tuple[int, int]] = []
    count = len(around) if len(kept) > 2 else 0
    for here, there in zip(kept, [*kept[1:], kept[0] + count], strict=True):
        if there <= here:
            break  # of two landmarks, the way back is the way there
        one, other = around[here], around[there % len(around)]
        missing = [schema.landmarks[around[place % len(around)]] for place in range(here + 1, there)]
        if all(name in _ON_THE_WAY for name in missing):
            solid[-1].append(other)
            continue
        if any(set(missing) <= set(ends) for ends in _SLEEVE_ENDS):
            dashed.append((one, other))
        solid.append([other])
    if len(solid) > 1 and len(kept) > 2:
        # The last line ends where the first begins.
        solid[0] = solid.pop()[:-1] + solid[0]
    return Drawn(tuple(tuple(line) for line in solid if len(line) > 1), tuple(dashed))
