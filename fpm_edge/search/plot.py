"""NE against time: every trial, the Pareto set, the budgets and the choice."""

from io import BytesIO

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fpm_edge.report.plan import ENGINE_TITLES
from fpm_edge.search.result import SearchResult
from fpm_edge.search.trial import Trial

__all__ = ["pareto_plot"]

_MARKERS = {
    "litert": "o",
    "onnxruntime": "s",
    "openvino": "D",
    "tflite-runtime": "^",
    "litert-compiled": "v",
    "litert-gpu": "X",
    "litert-npu": "*",
}
# NE far above the budget would press all that matters into a line.
_ROOM_ABOVE_BUDGET = 0.25


def pareto_plot(result: SearchResult) -> bytes:
    """A PNG: one colour for each precision, one shape for each engine; faint where a trial did not reach the end."""
    figure = Figure(figsize=(8.5, 5), dpi=130)
    axes = figure.subplots()
    last = len(result.rungs)
    names = sorted({trial.candidate.file.precision for trial in result.trials})
    colours: dict[str, str] = {name: f"C{number}" for number, name in enumerate(names)}
    for trial in result.trials:
        _mark(axes, trial, _ne(result, trial), colours[trial.candidate.file.precision], faint=trial.rung < last)
    front = result.pareto
    axes.plot(
        [t.time.median for t in front],
        [_ne(result, t) for t in front],
        color="0.35",
        linewidth=1,
        drawstyle="steps-post",
        zorder=1,
    )
    _budgets(axes, result)
    if result.choice is not None:
        chosen = result.choice
        axes.scatter(
            [chosen.time.median], [chosen.score.ne], s=220, facecolors="none", edgecolors="black", linewidths=1.6
        )
        axes.annotate(
            f"chosen: {chosen.candidate.name}\nNE {chosen.score.ne:.4f}, {chosen.time.median:.2f} ms",
            (chosen.time.median, chosen.score.ne),
            xytext=(12, 14),
            textcoords="offset points",
            fontsize=8,
            parse_math=False,
            bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1},
        )
    _legend(axes, result, colours)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.tick_params(axis="x", which="minor", labelsize=7)
    axes.set_xlabel("stages and decoding, median ms (logarithmic)")
    axes.set_ylabel("NE by width and height")
    axes.set_title(
        f"{result.reference.name} on {result.data} ({result.pictures} pictures): {len(result.trials)} of "
        f"{result.candidates} candidates measured",
        fontsize=10,
        parse_math=False,
    )
    axes.grid(alpha=0.3, which="both")
    figure.tight_layout()
    buffer = BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _ne(result: SearchResult, trial: Trial) -> float:
    """On all pictures; of a trial that saw fewer, what its drift makes of the float model's."""
    return result.reference.ne * (1.0 + trial.score.drift.estimate)


def _mark(axes: Axes, trial: Trial, ne: float, colour: str, *, faint: bool) -> None:
    axes.scatter(
        [trial.time.median],
        [ne],
        s=28,
        marker=_MARKERS.get(trial.candidate.engine, "P"),
        color=colour,
        alpha=0.25 if faint else 1.0,
        linewidths=0,
        zorder=2,
    )


def _budgets(axes: Axes, result: SearchResult) -> None:
    limit = result.reference.ne * (1 + result.budgets.drift.overall)
    axes.axvline(result.budgets.latency_ms, color="0.5", linestyle="--", linewidth=1)
    axes.axhline(limit, color="0.5", linestyle="--", linewidth=1)
    errors = [_ne(result, trial) for trial in result.trials]
    lowest, needed = min(*errors, limit), max(limit, *(_ne(result, trial) for trial in result.pareto))
    if max(errors) > needed * (1 + _ROOM_ABOVE_BUDGET):
        top = needed * (1 + _ROOM_ABOVE_BUDGET)
        above = sum(error > top for error in errors)
        axes.set_ylim(lowest - 0.08 * (top - lowest), top)
        axes.text(0.99, 0.98, f"{above} above", transform=axes.transAxes, ha="right", va="top", fontsize=8)


def _legend(axes: Axes, result: SearchResult, colours: dict[str, str]) -> None:
    engines = dict.fromkeys(trial.candidate.engine for trial in result.trials)
    handles = [axes.scatter([], [], s=28, color=colour, label=name) for name, colour in colours.items()]
    handles += [
        axes.scatter([], [], s=28, marker=_MARKERS.get(name, "P"), color="0.4", label=ENGINE_TITLES.get(name, name))
        for name in engines
    ]
    handles.append(axes.scatter([], [], s=28, color="0.4", alpha=0.25, label="dropped on the way"))
    lines = axes.plot([], [], color="0.35", linewidth=1, label="Pareto set")
    lines += axes.plot([], [], color="0.5", linestyle="--", linewidth=1, label="budgets")
    axes.legend(handles=[*handles, *lines], fontsize=8)
