"""How closely a client must agree with the reference, and where each number comes from.

What is not here is compared exactly: digests, bytes, counts, stages, stop reasons, categories, verdicts, error classes.
"""

__all__ = [
    "AFTER_SCORES",
    "ANSWER_SECONDS",
    "CLEAR_PEAK",
    "CLEAR_SHARE",
    "CLOCK_MS",
    "ENGINE_PX",
    "ENGINE_SCORE",
    "FLOAT32",
    "HOSTILE_BYTES",
    "LANDMARK_CELLS",
    "RELATIVE",
]

LANDMARK_CELLS = 0.001
"""Landmarks of equal heatmaps, in cells (issue 20). The fit is solved in floating point, in an order that languages are
free in."""

FLOAT32 = 1e-6
"""Numbers that the reference keeps as float32, relative to the larger of them and 1: a score, a confidence, a point
that was moved from picture to input. Eight times the type's own precision, 1.2e-7, for one rounding more."""

RELATIVE = 1e-9
"""Evidence, bounds, probabilities and scales, which are float64 in the reference (issue 20): a thousand products and
sums, each rounded to 1.1e-16, in another order."""

AFTER_SCORES = 1e-5
"""Probability of a category that follows from a picture, relative: scores may differ by `FLOAT32`, and the rules'
weights are a few units."""

CLOCK_MS = 1e-6
"""Times by a given clock, milliseconds: one client counts seconds, another milliseconds."""

CLEAR_PEAK = 0.25
CLEAR_SHARE = 0.99
ENGINE_PX = {"int8": 0.75, "float": 0.05}
"""After engines that differ, 99 % of the landmarks with both peaks at 0.25 or more are so close, in pixels of the
input; codes at all of a model's edges, or real numbers at one of them (decision 0007)."""

ENGINE_SCORE = 0.02
"""Scores in engines that differ: five codes of 1/256 (tests/runtime/stages)."""

HOSTILE_BYTES = 256 * 2**20
"""How far a client may grow while it refuses hostile bundles, bytes. A member may claim 512 MiB; the Python reference
takes 16 MiB beside three times the file (tests/hostile), and a runtime with a garbage collector collects late."""

ANSWER_SECONDS = 60.0
"""For each request, a batch of damaged bundles too (PROTOCOL.md)."""
