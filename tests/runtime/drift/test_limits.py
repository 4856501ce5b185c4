"""What a bundle says a healthy disagreement is."""

import msgspec
import pytest

from fpm_edge_runtime import Manifest, UsageError
from fpm_edge_runtime.bundle.manifest import GoldenSet, Interval, Measured, StageMeasurement
from fpm_edge_runtime.drift.limits import TOLERANCE, DriftLimit, drift_limits


class Said:
    """A bundle that says only this."""

    def __init__(self, manifest: Manifest, golden: GoldenSet | None) -> None:
        self.manifest, self._golden = manifest, golden

    def golden(self) -> GoldenSet | None:
        return self._golden


def measured(*uppers: float) -> Measured:
    zero = Interval(0.0, 0.0, 0.0)
    stages = [
        StageMeasurement(i, 0.03, 0.03, zero, zero, Interval(0.001, 0.0, upper)) for i, upper in enumerate(uppers, 1)
    ]
    return Measured("pictures", 10, "tflite", "litert", tuple(stages))


def test_the_measured_upper_bound_and_the_tolerance(hollow_parts: tuple[Manifest, dict[str, bytes]]) -> None:
    manifest = msgspec.structs.replace(hollow_parts[0], measured=measured(0.002, 0.003))
    limits = drift_limits(Said(manifest, GoldenSet((), (0.5, 0.5))), tolerance=0.01)
    assert [limit.value for limit in limits] == pytest.approx([0.012, 0.013])
    assert {limit.source for limit in limits} == {"measured"}
    assert drift_limits(Said(manifest, None))[0].value == pytest.approx(0.002 + TOLERANCE)


def test_else_the_limits_of_the_goldens(hollow_parts: tuple[Manifest, dict[str, bytes]]) -> None:
    said = Said(hollow_parts[0], GoldenSet((), (0.5, 0.4)))
    assert drift_limits(said) == (DriftLimit(0.5, "goldens"), DriftLimit(0.4, "goldens"))


def test_a_bundle_that_says_nothing_is_refused(hollow_parts: tuple[Manifest, dict[str, bytes]]) -> None:
    with pytest.raises(UsageError, match="give limits"):
        drift_limits(Said(hollow_parts[0], None))
    with pytest.raises(UsageError, match="tolerance is -1"):
        drift_limits(Said(hollow_parts[0], None), tolerance=-1)
