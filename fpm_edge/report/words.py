"""Numbers and verdicts as people read them. The same functions serve the page and the terminal."""

from fpm_edge.report.data import ReportData, Variant
from fpm_edge.report.plan import ENGINE_TITLES
from fpm_edge_runtime.bundle.manifest import Interval

__all__ = [
    "bounds",
    "counted",
    "drift_statement",
    "headline",
    "interval",
    "megabytes",
    "milliseconds",
    "ne",
    "percent",
    "ratio",
    "share",
    "speed",
    "verdict",
]

_UNKNOWN = "–"
_MINUS = "−"
_NARROW = "\u202f"
# Ratios of times nearer to 1 than this factor are told as no difference.
_SAME = 1.05
# Two speed ratios that differ by less than this factor are told as one.
_CLOSE = 1.15


def ne(value: float | None) -> str:
    """An NE or a disagreement."""
    return _UNKNOWN if value is None else f"{value:.4f}"


def percent(value: float | None) -> str:
    """A relative change, with its sign."""
    if value is None:
        return _UNKNOWN
    text = f"{value:+.1%}".removesuffix("%")
    if text in ("+0.0", "-0.0"):
        text = "0.0"
    return f"{text.replace('-', _MINUS)}{_NARROW}%"


def bounds(interval: Interval | None) -> str:
    """The 95 % bounds of a relative change."""
    return _UNKNOWN if interval is None else f"{percent(interval.lower)} to {percent(interval.upper)}"


def interval(value: Interval | None) -> str:
    """The 95 % bounds of an NE or a disagreement."""
    return _UNKNOWN if value is None else f"{ne(value.lower)} to {ne(value.upper)}"


def share(value: float | None) -> str:
    """A share of a whole."""
    return _UNKNOWN if value is None else f"{100 * value:.1f}{_NARROW}%"


def milliseconds(value: float) -> str:
    """A time: three digits where it is short."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def megabytes(size: int) -> str:
    """A size of a file, in MB of a million bytes."""
    return f"{size / 1e6:.2f}"


def ratio(value: float | None) -> str:
    """Time relative to float32."""
    return _UNKNOWN if value is None else f"{value:.2f}×"


def speed(value: float) -> str:
    """The same ratio in words, to be followed by what it is compared with."""
    if 1 / _SAME < value < _SAME:
        return "about as fast as"
    return f"{1 / value:.1f} times faster than" if value <= 1 else f"{value:.1f} times slower than"


def counted(count: int, noun: str) -> str:
    """ "1 stage", "3 stages"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def headline(variant: Variant) -> str:
    """One sentence: accuracy, drift, time and size of a variant with all its stages."""
    last = variant.last
    what = f"{variant.precision}, {counted(last.stages, 'stage')} on {ENGINE_TITLES[variant.engine]}: NE {ne(last.ne)}"
    if variant.is_reference:
        accuracy = what
    elif last.float_ne is None:
        accuracy = f"{what}, drift unknown (no float model to compare with)"
    else:
        drift = last.relative_drift
        change = "" if drift is None else f" (drift {percent(drift.estimate)}, 95 % bounds {bounds(drift)})"
        accuracy = f"{what} against {ne(last.float_ne)} in float{change}"
    time = f"{milliseconds(last.latency.inference.median)} ms"
    if last.ratio is not None and variant.precision != "float32":
        time += f", {speed(last.ratio)} float32"
        if last.engine_ratio is not None and not 1 / _CLOSE < last.engine_ratio / last.ratio < _CLOSE:
            time += f" (the network without decoding: {speed(last.engine_ratio)} float32)"
    return f"{accuracy}, {time}, {megabytes(last.bytes)} MB."


def verdict(variant: Variant) -> str:
    """Whether a variant keeps its bundle's drift budget, in words."""
    budget = variant.budget
    if budget is None:
        return f"{variant.name}: the bundle states no drift budget."
    limit = share(budget.limit)
    if budget.upper is None:
        return f"{variant.name}: budget {limit}, but the drift is not known without a float model."
    word = "within" if budget.met else "over"
    return (
        f"{variant.name}: {word} the budget. The upper 95 % bound of the relative NE drift is {percent(budget.upper)}, "
        f"the budget {limit}."
    )


def drift_statement(data: ReportData) -> str:
    """What the variants are compared with."""
    references = {variant.reference for variant in data.variants if variant.reference is not None}
    if not references:
        return (
            "No drift: none of the bundles is or holds the float model, so there is nothing to compare with. Give a "
            "float32 bundle of the same network as well, or convert with --reference."
        )
    unknown = sorted({variant.bundle for variant in data.variants if variant.reference is None})
    names = " and ".join(f"“{name}”" for name in sorted(references))
    text = f"Drift and disagreement are measured against the float model: {names}."
    return text + (f" There is none for {', '.join(unknown)}." if unknown else "")
