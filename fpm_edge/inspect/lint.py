"""Heatmap lint: whether the maps of an integer bundle have the codes that a landmark's place needs, and what to change.

A peak's place is read from differences between neighbouring codes. A peak of few codes has few of them, its highest
code stands in several cells, and the answer jumps between these (DESIGN §5.2; a public mobile CPM used codes 0 to 30
of 255 and jumped).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from fpm_edge.convert.bundle_card import words_for
from fpm_edge.data import Dataset
from fpm_edge.inspect.edges import Maps, open_edges, place
from fpm_edge_runtime import Bundle, DataError, UsageError

__all__ = [
    "FEWEST_CODES",
    "FEWEST_MAPS",
    "MOST_CUT_OFF",
    "MOST_FLAT",
    "MOST_SCATTERED",
    "MOST_TIES",
    "LandmarkLint",
    "LintReport",
    "LintWarning",
    "StageRange",
    "lint",
]

# Beside the top of a Gaussian of σ = 2 cells the map is 1 − exp(−1/8) = 12 % lower. With 32 codes that is four codes,
# enough for the sub-pixel fit; with 8 it is less than one, and ties are the rule.
FEWEST_CODES = 32
# Shares of maps; the shipped model has 4 % ties, 0.3 % scattered, and none of the other two, on rendered garments.
MOST_TIES = 0.15
# Tied cells further apart than the decoder's reach are several places, between which one code decides.
_REACH = 2
MOST_SCATTERED = 0.02
# More tied cells at the highest code than a 2 × 2 block: the top of the peak is cut off, and its place with it.
_PLATEAU = 5
MOST_CUT_OFF = 0.05
MOST_FLAT = 0.01
# A share is over its threshold only if so many maps would have the trouble by chance in one case of a thousand.
_CHANCE = 1e-3
# A median over fewer maps says nothing.
FEWEST_MAPS = 8
# A map's range that is [0, 1] (int16: [-1, 1]) but for rounding: a fixed range (clip_heatmaps).
_UNIT = 1.01

Kind = Literal["few codes", "ties", "scattered", "cut off", "flat"]


@dataclass(frozen=True)
class LandmarkLint:
    """The maps of one landmark at one stage, on the pictures whose category has it.

    Attributes:
        stage: from 1.
        landmark: its name.
        maps: how many were looked at.
        codes: median of the peak's code minus the zero point: steps between nothing and the peak.
        ties: share of maps whose highest code is in more than one cell.
        scattered: share of maps where such cells lie in several places.
        saturated: share of maps whose peak has the highest code that there is.
        cut_off: share of maps with at least five cells of that code.
        flat: share of maps that have one code everywhere.
    """

    stage: int
    landmark: str
    maps: int
    codes: float
    ties: float
    scattered: float
    saturated: float
    cut_off: float
    flat: float


@dataclass(frozen=True)
class StageRange:
    """The codes that all maps of a stage share: what they cover, and how many a peak of height 1 gets."""

    stage: int
    low: float
    high: float
    codes_of_one: float


@dataclass(frozen=True)
class LintWarning:
    """One kind of trouble at one stage, the landmarks that have it, and what to change."""

    stage: int
    kind: Kind
    landmarks: tuple[str, ...]
    message: str


@dataclass(frozen=True)
class LintReport:
    """What `lint` found; `landmarks` by stage, in the order of the schema."""

    bundle: str
    data: str
    pictures: int
    engine: str
    ranges: tuple[StageRange, ...]
    landmarks: tuple[LandmarkLint, ...]
    warnings: tuple[LintWarning, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is to be changed."""
        return not self.warnings

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON."""
        plain: dict[str, object] = msgspec.to_builtins(self)
        return plain | {"ok": self.ok}


def lint(
    bundle: Bundle, dataset: Dataset, *, engine: str = "litert", advance: Callable[..., None] | None = None
) -> LintReport:
    """Look at the maps of every stage on every picture.

    Args:
        bundle: int8 or int16x8, or with such pieces for all stages.
        dataset: pictures with categories; their landmarks are not used.
        engine: name of the engine to run.
        advance: called after each picture.

    Raises:
        UsageError: the maps of a stage are no codes, or the engine cannot read it.
        SchemaError: data and bundle differ in landmarks.
        DataError: no landmark occurs often enough to say anything.
    """
    manifest = bundle.manifest
    pieces = next(iter(manifest.pieces.values()))
    real = [
        spec.name for piece in pieces for spec in piece.outputs if spec.name.startswith("heatmap_") and not spec.scale
    ]
    if real:
        raise UsageError(
            f"{manifest.name} ({words_for(manifest.quantization)}) has real numbers in {', '.join(real)}; only maps of "
            "int8, uint8 or int16 have codes to look at"
        )
    dataset.expect_landmarks(bundle.schema, "the bundle")
    run = open_edges(bundle, engine)
    stages = range(1, bundle.stages + 1)
    seen: dict[tuple[int, int], list[tuple[float, ...]]] = {
        (stage, index): [] for stage in stages for index in range(len(bundle.schema.landmarks))
    }
    ranges: dict[int, StageRange] = {}
    for record in dataset.records:
        for stage, maps in enumerate(run(place(record, manifest.geometry).image), start=1):
            ranges[stage] = _range(stage, maps)
            for index in bundle.schema.landmarks_of(record.category):
                seen[stage, index].append(_look(maps.values[..., index], maps.zero_point or 0))
        if advance is not None:
            advance()
    found = tuple(
        LandmarkLint(stage, bundle.schema.landmarks[index], len(rows), *_rates(rows))
        for (stage, index), rows in seen.items()
        if rows
    )
    if not any(entry.maps >= FEWEST_MAPS for entry in found):
        raise DataError(
            f"no landmark is on {FEWEST_MAPS} of the {len(dataset)} pictures of {dataset.name}; give more pictures"
        )
    return LintReport(
        bundle=manifest.name,
        data=dataset.name,
        pictures=len(dataset),
        engine=engine,
        ranges=tuple(ranges[stage] for stage in stages),
        landmarks=found,
        warnings=tuple(
            warning
            for stage in stages
            for warning in _warnings(ranges[stage], [entry for entry in found if entry.stage == stage])
        ),
    )


def _look(codes: NDArray[np.integer[Any]], zero_point: int) -> tuple[float, ...]:
    """Peak codes, tied, scattered, saturated, cut off, flat: of one map (rows, columns)."""
    top = int(codes.max())
    y, x = np.nonzero(codes == top)
    flat = int(codes.min()) == top
    tied = len(y) > 1 and not flat
    scattered = tied and max(int(np.ptp(y)), int(np.ptp(x))) > _REACH and not _connected(x, y)
    saturated = top == np.iinfo(codes.dtype).max and not flat
    return (
        float(top - zero_point),
        float(tied),
        float(scattered),
        float(saturated),
        float(saturated and len(y) >= _PLATEAU),
        float(flat),
    )


def _connected(x: NDArray[np.intp], y: NDArray[np.intp]) -> bool:
    """Whether a chain of cells, each within the decoder's reach of the next, leads from the first to all."""
    near = np.maximum(np.abs(x[:, None] - x), np.abs(y[:, None] - y)) <= _REACH
    member = near[0]
    while (grown := near[member].any(axis=0)).sum() > member.sum():
        member = grown
    return bool(member.all())


def _rates(rows: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    table = np.array(rows)
    return (float(np.median(table[:, 0])), *(float(rate) for rate in table[:, 1:].mean(axis=0)))


def _range(stage: int, maps: Maps) -> StageRange:
    scale, zero_point = maps.scale or 0.0, maps.zero_point or 0
    limits = np.iinfo(maps.values.dtype)
    low, high = scale * (int(limits.min) - zero_point), scale * (int(limits.max) - zero_point)
    return StageRange(stage, low, high, 1.0 / scale)


def _warnings(covered: StageRange, entries: Sequence[LandmarkLint]) -> list[LintWarning]:
    judged = [entry for entry in entries if entry.maps >= FEWEST_MAPS]
    advice = _advice(covered)
    found = []
    few = tuple(entry.landmark for entry in judged if entry.codes < FEWEST_CODES)
    if few:
        what = f"a peak has fewer than {FEWEST_CODES} codes ({_some(few, len(judged))})"
        found.append(_warning(covered.stage, "few codes", few, what, advice["few codes"]))
    shares: tuple[tuple[Kind, Callable[[LandmarkLint], float], float, str], ...] = (
        ("ties", lambda e: e.ties, MOST_TIES, "peaks are tied"),
        ("scattered", lambda e: e.scattered, MOST_SCATTERED, "maps have equally high peaks in several places"),
        ("cut off", lambda e: e.cut_off, MOST_CUT_OFF, "peaks are cut off at the top"),
        ("flat", lambda e: e.flat, MOST_FLAT, "maps are flat"),
    )
    for kind, share, most, words in shares:
        names, rate = _over(judged, share, most)
        if names:
            what = f"{rate:.1%} of the {words} ({_some(names, len(judged))})"
            same = few and kind in ("ties", "scattered")
            found.append(_warning(covered.stage, kind, names, what, "the same change helps" if same else advice[kind]))
    return found


def _warning(stage: int, kind: Kind, names: tuple[str, ...], what: str, advice: str) -> LintWarning:
    return LintWarning(stage, kind, names, f"stage {stage}: {what}; {advice}")


def _over(
    entries: Sequence[LandmarkLint], share: Callable[[LandmarkLint], float], most: float
) -> tuple[tuple[str, ...], float]:
    """The landmarks whose share is over `most`, alone or all together, and the share over their maps."""
    total = sum(entry.maps for entry in entries)
    bad = round(sum(share(entry) * entry.maps for entry in entries))
    if _is_over(bad, total, most):
        chosen = [entry for entry in entries if share(entry) > most]
        return tuple(entry.landmark for entry in chosen), bad / total
    chosen = [entry for entry in entries if _is_over(round(share(entry) * entry.maps), entry.maps, most)]
    maps = sum(entry.maps for entry in chosen)
    rate = sum(share(entry) * entry.maps for entry in chosen) / maps if maps else 0.0
    return tuple(entry.landmark for entry in chosen), rate


def _is_over(bad: int, maps: int, most: float) -> bool:
    """Whether `bad` of `maps` is more than a share of `most` gives by chance: the tail of the binomial distribution."""
    below = sum(math.comb(maps, k) * most**k * (1.0 - most) ** (maps - k) for k in range(bad))
    return 1.0 - below < _CHANCE


def _advice(covered: StageRange) -> dict[Kind, str]:
    """What to change, by kind; with a fixed range it is the network, otherwise first the range."""
    if covered.low >= -_UNIT and covered.high <= _UNIT:
        undecided = "the range is right, the network is not sure: train longer, or on more pictures of these garments"
        cut = "the head overshoots 1: train longer, or fine-tune with `fpm-edge qat`"
    else:
        span = f"the maps cover {covered.low:.3g} to {covered.high:.3g}"
        undecided = (
            f"{span}, which leaves {covered.codes_of_one:.0f} codes for a peak of 1: set clip_heatmaps in the model's "
            "configuration and train it (the range is then fixed at [0, 1], 255 codes), or convert with --fp16"
        )
        cut = f"{span}: calibrate with more --samples, on pictures like these, or set clip_heatmaps and train"
    return {
        "few codes": undecided,
        "ties": undecided,
        "scattered": undecided,
        "cut off": cut,
        "flat": "nothing is found: `fpm-edge compare` shows whether float finds it, `fpm-edge evaluate` how well",
    }


def _some(names: Sequence[str], of: int, shown: int = 3) -> str:
    if len(names) == of:
        return "all landmarks"
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
