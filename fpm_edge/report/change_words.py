"""Changes as people read them, on the terminal and in Markdown."""

from fpm_edge.report import words
from fpm_edge.report.changes import Change, LatencyChange, StageChange, VariantChange

__all__ = ["headline", "latency_change", "ne_change", "points_change", "size_change"]


def headline(variant: VariantChange) -> str:
    """One sentence: NE, time and size of a variant with all stages of each."""
    last = variant.last
    stages = words.counted(last.stages_b, "stage")
    if last.stages_a != last.stages_b:
        stages = f"{last.stages_a} → {stages}"
    ne = f"NE {words.ne(last.ne.a)} → {words.ne(last.ne.b)} ({ne_change(last.ne)})"
    time = f"{words.milliseconds(last.latency.a_ms)} → {words.milliseconds(last.latency.b_ms)} ms"
    text = f"{variant.name}, {stages}: {ne}; {time} ({latency_change(last.latency)}); {size_change(last)}."
    return text + (" It is the same file." if variant.digest_a == variant.digest_b != "" else "")


def ne_change(change: Change) -> str:
    """Such as ``+1.2 %, 95 % bounds −0.5 % to +3.1 %: no significant change``."""
    if change.difference is None:
        if change.a is None or change.b is None:
            return change.verdict
        return f"{words.percent(change.b / change.a - 1) if change.a else '–'}: {change.verdict}"
    if change.verdict == "same":
        return change.verdict
    if change.relative is None:
        bounds = f"{change.difference.lower:+.4f} to {change.difference.upper:+.4f}"
        return f"{change.difference.estimate:+.4f}, 95 % bounds {bounds}: {change.verdict}"
    bounds = words.bounds(change.relative)
    return f"{words.percent(change.relative.estimate)}, 95 % bounds {bounds}: {change.verdict}"


def points_change(change: Change) -> str:
    """Of two shares, such as ``+0.4, bounds −0.1 to +0.9: no significant change``, in percentage points."""
    if change.difference is None or change.verdict == "same":
        return change.verdict
    found = change.difference
    text = [f"{100 * value:+.1f}".replace("-", "−") for value in (found.estimate, found.lower, found.upper)]
    return f"{text[0]} points, bounds {text[1]} to {text[2]}: {change.verdict}"


def latency_change(change: LatencyChange) -> str:
    """Such as ``0.98×, 95 % bounds 0.96× to 1.01×: no significant change``."""
    verdict = {"better": "faster", "worse": "slower"}.get(change.verdict, change.verdict)
    if change.interval is None:
        return f"{words.ratio(change.ratio)}, {verdict}"
    bounds = f"{words.ratio(change.interval.lower)} to {words.ratio(change.interval.upper)}"
    return f"{words.ratio(change.ratio)}, 95 % bounds {bounds}: {verdict}"


def size_change(row: StageChange) -> str:
    """Such as ``0.14 → 0.15 MB (+3.2 %)``."""
    sizes = f"{words.megabytes(row.bytes_a)} → {words.megabytes(row.bytes_b)} MB"
    return f"{sizes} ({words.percent(row.bytes_b / row.bytes_a - 1) if row.bytes_b != row.bytes_a else 'same'})"
