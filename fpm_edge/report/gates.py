"""A budget that a variant was held to, and how it came out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["Gate", "Unit", "failed_gates"]

Unit = Literal["share", "ms", "ratio", "MB"]


@dataclass(frozen=True)
class Gate:
    """One value and its budget.

    Attributes:
        name: the option that set the budget, without its dashes; ``gate`` for what `--gate` holds it to by itself.
        variant: which was held to it.
        what: ``all points``, ``landmark crotch``, ``3 stages`` and the like.
        unit: of `estimate`, `judged` and `limit`.
        estimate: the measured value; None where there is none.
        judged: what may not be over `limit`: the worst end of the 95 % bounds where it has bounds, else the value
            itself. For ``NE against A`` of `--gate` it is the best end: then B is surely worse.
        limit: the budget; None where the bundle should state one and does not.
        passed: False also where it could not be judged.
        reason: why it could not be judged; None where it was.
    """

    name: str
    variant: str
    what: str
    unit: Unit
    limit: float | None
    estimate: float | None
    judged: float | None
    passed: bool
    reason: str | None = None

    @property
    def over(self) -> float | None:
        """By how much it is over its budget; negative below it."""
        return None if self.judged is None or self.limit is None else self.judged - self.limit


def failed_gates(gates: Sequence[Gate]) -> list[Gate]:
    """Those that failed: what could not be judged first, then the most over its budget first, in shares of it."""
    failed = [gate for gate in gates if not gate.passed]
    return sorted(failed, key=lambda gate: (gate.judged is not None, -(gate.over or 0.0) / abs(gate.limit or 1e-9)))
