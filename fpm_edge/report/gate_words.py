"""Budgets as people read them, on the terminal and in Markdown."""

from collections.abc import Sequence

from fpm_edge.report.gates import Gate, failed_gates

__all__ = ["gate_cells", "gate_headings", "gate_summary", "shown_gates"]

_UNKNOWN = "–"


def gate_headings() -> tuple[str, ...]:
    """Of the columns of `gate_cells`; the first three are text."""
    return "budget", "variant", "of", "limit", "measured", "judged", "over by", "verdict"


def gate_cells(gate: Gate) -> list[str]:
    """One row of a table."""
    verdict = "ok" if gate.passed else "FAILED" if gate.reason is None else f"FAILED: {gate.reason}"
    return [
        gate.name,
        gate.variant,
        gate.what,
        *(_number(value, gate) for value in (gate.limit, gate.estimate, gate.judged)),
        _UNKNOWN if gate.passed else _number(gate.over, gate),
        verdict,
    ]


def shown_gates(gates: Sequence[Gate]) -> list[Gate]:
    """Those that failed, the worst first; then those that passed, without single landmarks and categories."""
    return failed_gates(gates) + [gate for gate in gates if gate.passed and not gate.name.startswith("max-part")]


def gate_summary(gates: Sequence[Gate]) -> str:
    """How many were met, and the worst that was not."""
    failed = failed_gates(gates)
    if not failed:
        return f"All {len(gates)} budgets are met." if len(gates) > 1 else "The budget is met."
    worst = failed[0]
    text = f"{len(failed)} of {len(gates)} budgets not met. First {worst.name} of {worst.variant} ({worst.what}): "
    if worst.reason is not None:
        return f"{text}not judged, {worst.reason}"
    return f"{text}{_number(worst.judged, worst)}, and the budget is {_number(worst.limit, worst)}"


def _number(value: float | None, gate: Gate) -> str:
    if value is None:
        return _UNKNOWN
    if gate.unit == "share":
        return f"{value:+.2%}"
    return f"{value:.3f}×" if gate.unit == "ratio" else f"{value:.3f} {gate.unit}"
