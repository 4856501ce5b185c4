"""Where a second look at a picture goes: to the region of what the first one found, if that shows it larger."""

from collections.abc import Callable

from fpm_edge_runtime.bundle.recognition import NOTHING
from fpm_edge_runtime.errors import UsageError
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.stages.convergence import CLEAR_PEAK
from fpm_edge_runtime.stages.frame import Found, Frame
from fpm_edge_runtime.stages.pace import DECODE, Pace

__all__ = ["FEWEST_POINTS", "LEAST_GAIN", "MARGIN", "check_looks", "clearness", "look_again", "second_region"]

Box = tuple[float, float, float, float]

# All three are what `benchmarks/looks.py` varies.
MARGIN = 0.3
"""Added on every side of the landmarks' box, as a share of its longer side: a hem is wider than its landmarks."""

LEAST_GAIN = 1.1
"""How many times larger the region must be shown than the first look showed it; less is not worth the time."""

FEWEST_POINTS = 3
"""Clear landmarks; two may be one garment's or two's."""

_LEAST_PX = 16.0  # of the picture; a smaller region shows nothing


def check_looks(looks: int) -> None:
    """Raise UsageError where there cannot be so many."""
    if looks not in (1, 2):
        raise UsageError(f"looks is {looks!r}; expected 1, or 2 to look again at the region that the first look found")


def look_again(
    first: Frame, see: Callable[[Frame, Box | None], Found], pace: Pace, input_size: tuple[int, int]
) -> Frame:
    """The look that is to answer, after stage 1 of one or both of them.

    The second one, unless there is no region for it, no time, or stage 1 sees less clearly there than in the first.

    Args:
        first: of which the input was made.
        see: runs stage 1 of a frame, in a box if the frame has no input yet, and says what it found.
        pace: of the session's pieces.
        input_size: (width, height) of the input, pixels.
    """
    found = see(first, None)
    assert first.fit is not None
    region = second_region(found, first.fit, input_size)
    if region is None:
        return first
    if first.deadline is not None:
        needed = first.fitting + sum(pace.predict(name) for name in (*first.pieces, DECODE))
        if first.clock() + needed > first.deadline:
            return first
    second = first.again()
    if clearness(see(second, region)) >= clearness(found):
        return second
    first.other, second.other = second, None
    return first


def clearness(found: Found) -> float:
    """Mean score of the landmarks that count; 0 where there is no garment. What two looks are compared by."""
    labelled = found.recognized.labelled
    return float(found.scores[labelled].mean()) if labelled.any() else 0.0


def second_region(
    found: Found,
    fit: Letterbox,
    input_size: tuple[int, int],
    *,
    margin: float = MARGIN,
    least_gain: float = LEAST_GAIN,
) -> Box | None:
    """The box to look at again, edge coordinates of the picture, inside what the first look saw.

    Args:
        found: what stage 1 found. Its clear landmarks that count make the box; where it took the picture for one
            without a garment, all that are clear do, for a garment may be too small to be known.
        fit: where the picture lies in the input.
        input_size: (width, height) of the input, pixels.

    Returns:
        None where too few landmarks are clear, or the box is so small or so large that it would show no more.
    """
    counted = found.scores >= CLEAR_PEAK
    if found.recognized.category != NOTHING:
        counted &= found.recognized.labelled
    if counted.sum() < FEWEST_POINTS:
        return None
    points = fit.to_picture(found.landmarks[counted]) + 0.5  # pixel centres → edges
    low, high = points.min(axis=0), points.max(axis=0)
    pad = margin * float((high - low).max())
    x0, y0 = (max(float(v) - pad, edge) for v, edge in zip(low, fit.box[:2], strict=True))
    x1, y1 = (min(float(v) + pad, edge) for v, edge in zip(high, fit.box[2:], strict=True))
    if min(x1 - x0, y1 - y0) < _LEAST_PX:
        return None
    gain = min(input_size[0] / (x1 - x0), input_size[1] / (y1 - y0)) / min(fit.scale_x, fit.scale_y)
    return (x0, y0, x1, y1) if gain >= least_gain else None
