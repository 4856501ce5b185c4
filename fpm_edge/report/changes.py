"""What `fpm-edge report --compare A B` finds. `Comparison.to_dict` is the content of ``compare.json``.

Everywhere smaller is better, and a change is B's value against A's.
"""

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from fpm_edge.report.gates import Gate
from fpm_edge_runtime.bundle.manifest import Interval, Precision

__all__ = [
    "COMPARISON_FORMAT",
    "Change",
    "Comparison",
    "FactChange",
    "LatencyChange",
    "LoneVariant",
    "PartChange",
    "SideFacts",
    "StageChange",
    "VariantChange",
    "Verdict",
    "verdict_of",
]

COMPARISON_FORMAT = 1

Verdict = Literal["better", "worse", "no significant change", "same", "not judged"]


def verdict_of(interval: Interval | None, nothing: float = 0.0) -> Verdict:
    """Which side of `nothing` all of an interval is on; one that is nothing but that is ``same``."""
    if interval is None:
        return "not judged"
    if interval.lower == interval.upper == interval.estimate == nothing:
        return "same"
    return "worse" if interval.lower > nothing else "better" if interval.upper < nothing else "no significant change"


@dataclass(frozen=True)
class Change:
    """An NE or a relative NE drift (a share) of both.

    Attributes:
        difference: b − a, with 95 % bounds; None: not judged.
        relative: b / a − 1, with the same bounds; None also where a is 0, and of a drift.
        verdict: of `difference`.
    """

    a: float | None
    b: float | None
    difference: Interval | None = None
    relative: Interval | None = None
    verdict: Verdict = "not judged"


@dataclass(frozen=True)
class LatencyChange:
    """Median times of the pieces and the decoding, milliseconds; `interval`: 95 % bounds of b / a, only in one run."""

    a_ms: float
    b_ms: float
    ratio: float
    interval: Interval | None
    verdict: Verdict


@dataclass(frozen=True)
class StageChange:
    """A variant with so many stages; the numbers differ only in the row of all stages of each."""

    stages_a: int
    stages_b: int
    ne: Change
    drift: Change
    bytes_a: int
    bytes_b: int
    latency: LatencyChange


@dataclass(frozen=True)
class PartChange:
    """NE of a landmark or a category with all stages. The bounds hold for all parts of the kind together."""

    kind: Literal["landmark", "category"]
    name: str
    pictures_a: int
    pictures_b: int
    ne: Change


@dataclass(frozen=True)
class VariantChange:
    """One variant of A and the one of B that it is compared with.

    Attributes:
        name: what both are called, or ``A's → B's``.
        a, b: the names of the variants.
        precision_a, precision_b: theirs.
        digest_a, digest_b: of the bundles.
        is_reference: both are the float model that others are compared with.
        stages: for each number of stages that both have; the last row is all stages of each.
        landmarks, categories: with all stages, what became worse first.
    """

    name: str
    a: str
    b: str
    precision_a: Precision
    precision_b: Precision
    digest_a: str
    digest_b: str
    is_reference: bool
    stages: tuple[StageChange, ...]
    landmarks: tuple[PartChange, ...]
    categories: tuple[PartChange, ...]

    @property
    def last(self) -> StageChange:
        """With all stages of each."""
        return self.stages[-1]


@dataclass(frozen=True)
class LoneVariant:
    """A variant that the other side has no counterpart of."""

    name: str
    precision: Precision


@dataclass(frozen=True)
class SideFacts:
    """A or B: what it was called, when it was measured, and on what."""

    title: str
    created: str
    data: str
    pictures: int
    data_digest: str


@dataclass(frozen=True)
class FactChange:
    """Something else that differs, as text; ``–`` where one side does not have it."""

    what: str
    a: str
    b: str


@dataclass(frozen=True)
class Comparison:
    """All of a comparison.

    Attributes:
        headline: the change of the variant that matters most, in words.
        pictures: whether the bounds of NE are of the same pictures in pairs, of two samples, or not known.
        one_run: whether both were measured in turn in one run.
        statements: how sure the numbers are, and why.
        only_a, only_b: variants that have no counterpart.
        facts: everything else that differs: data, bundles, environment.
        gates: what B was held to.
    """

    headline: str
    created: str
    a: SideFacts
    b: SideFacts
    pictures: Literal["paired", "unpaired", "unknown"]
    one_run: bool
    statements: tuple[str, ...]
    variants: tuple[VariantChange, ...]
    only_a: tuple[LoneVariant, ...] = ()
    only_b: tuple[LoneVariant, ...] = ()
    facts: tuple[FactChange, ...] = ()
    gates: tuple[Gate, ...] = ()
    format: int = COMPARISON_FORMAT

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain
