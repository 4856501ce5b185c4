"""What a call waited before `detect` counts towards its deadline."""

from time import perf_counter
from typing import Any

__all__ = ["Waited"]


class Waited:
    """Time since it was made."""

    def __init__(self) -> None:
        self._start = perf_counter()

    def taken_off(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Arguments of `Session.detect`, with the deadline from now. One that `detect` refuses stays as it is."""
        deadline = arguments.get("deadline_ms")
        if deadline is None or not deadline > 0:
            return arguments
        return {**arguments, "deadline_ms": max(0.0, deadline - (perf_counter() - self._start) * 1e3)}
