"""The drift gate: one rule for the conversion and for the device."""

import math

from fpm_edge_runtime.drift import DriftReport
from fpm_edge_runtime.errors import GateError, UsageError

__all__ = ["FEWEST_FOR_GATE", "check_budget", "check_drift"]

# The bootstrap's bounds say nothing about a handful of pictures; with one they coincide with the estimate.
FEWEST_FOR_GATE = 10


def check_budget(budget: float | None) -> None:
    """Raise UsageError for a budget that is not a number, before any work is done for it."""
    if budget is not None and not math.isfinite(budget):
        raise UsageError(f"the NE drift budget is {budget}; expected a share such as 0.03 for 3 %")


def check_drift(report: DriftReport, budget: float | None, what: str, advice: str) -> None:
    """Hold the upper 95 % bound of the last stage's relative NE drift to a budget.

    Args:
        report: drift against the float model.
        budget: largest bound allowed, e.g. 0.03; None for any.
        what: names the file, for the message.
        advice: what to do about it.

    Raises:
        GateError: the bound is over the budget, or the float model makes no error that drift could be relative to.
        UsageError: too few pictures for the bound to mean anything.
    """
    if budget is None:
        return
    if report.pictures < FEWEST_FOR_GATE:
        raise UsageError(
            f"drift was measured on {report.pictures} pictures, which bounds nothing; give at least {FEWEST_FOR_GATE} "
            "to hold it to a budget, better hundreds"
        )
    relative = report.stages[-1].relative_drift
    if relative is None:
        raise GateError(f"{what}: the float model makes no error on this data, so there is no drift relative to it")
    if not relative.upper <= budget:
        raise GateError(
            f"{what}: the NE drift is {relative.estimate:+.2%} (95 % bounds {relative.lower:+.2%} to "
            f"{relative.upper:+.2%}), the budget is {budget:.2%}; {advice}"
        )
