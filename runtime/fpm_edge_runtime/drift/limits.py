"""Which disagreement with the float model still counts as healthy, by stage."""

from dataclasses import dataclass
from typing import Literal, Protocol

from fpm_edge_runtime.bundle.manifest import GoldenSet, Manifest
from fpm_edge_runtime.errors import UsageError

__all__ = ["TOLERANCE", "DriftLimit", "drift_limits"]

TOLERANCE = 0.001
"""NE units over what was measured at conversion: a thousandth of the picture, 3 % of an NE of 0.03."""


class _Bundle(Protocol):
    @property
    def manifest(self) -> Manifest: ...
    def golden(self) -> GoldenSet | None: ...


@dataclass(frozen=True)
class DriftLimit:
    """The largest mean disagreement of a stage that counts as healthy.

    Attributes:
        value: NE units.
        source: "measured": the upper 95 % bound that was measured at conversion, plus the tolerance. "goldens": the
            limit of the self-check, which is for single cases and therefore wider. "given": by the caller.
    """

    value: float
    source: Literal["measured", "goldens", "given"]


def drift_limits(bundle: _Bundle, tolerance: float = TOLERANCE) -> tuple[DriftLimit, ...]:
    """(stages,) the limits that a bundle's own measurements give.

    An int8 file never agrees with float in everything, so a limit begins at what was measured when it was made; the
    upper bound, because that was measured on few pictures.

    Raises:
        UsageError: the tolerance is negative, or the bundle has neither measurements nor goldens.
    """
    if not tolerance >= 0:
        raise UsageError(f"tolerance is {tolerance}; expected NE units, 0 or more")
    measured = bundle.manifest.measured
    if measured is not None and len(measured.stages) == bundle.manifest.stages:
        bounds = [stage.disagreement.upper + tolerance for stage in measured.stages]
        if all(bound > 0 for bound in bounds):
            return tuple(DriftLimit(bound, "measured") for bound in bounds)
    golden = bundle.golden()
    if golden is not None and all(limit > 0 for limit in golden.limits):
        return tuple(DriftLimit(limit, "goldens") for limit in golden.limits)
    raise UsageError(
        "the bundle says neither what was measured on it nor has self-check cases, so there is no limit for its drift; "
        "convert the model again, or give limits"
    )
