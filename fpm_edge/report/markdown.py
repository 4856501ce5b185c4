"""Tables in Markdown as GitHub reads it, and the report in them: ``report.md``."""

from collections.abc import Sequence

from fpm_edge.accuracy.drift import PartDrift
from fpm_edge.report import words
from fpm_edge.report.data import ReportData, Variant
from fpm_edge.report.gate_words import gate_cells, gate_headings, gate_summary, shown_gates
from fpm_edge.report.gates import Gate
from fpm_edge.text.markdown_text import plain

__all__ = ["details", "gate_section", "markdown_table", "report_markdown"]

# Of landmarks; all of them are in the report.
_SHOWN = 8
_SHORT_DIGEST = 12


def markdown_table(headings: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> str:
    """A table; the first `texts` columns are text, the others numbers, which stand at the right."""
    lines = [list(headings), ["---" if index < texts else "---:" for index in range(len(headings))]]
    lines += [[plain(cell) for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def details(summary: str, content: str) -> str:
    """Content that opens on a click."""
    return f"<details><summary>{plain(summary)}</summary>\n\n{content}\n\n</details>"


def gate_section(gates: Sequence[Gate]) -> list[str]:
    """What was held to which budget; nothing where nothing was."""
    if not gates:
        return []
    table = markdown_table(gate_headings(), [gate_cells(gate) for gate in shown_gates(gates)], texts=3)
    return ["### Budgets", plain(gate_summary(gates)), table]


def report_markdown(data: ReportData) -> str:
    """The report in Markdown: what a person pastes into a pull request."""
    facts = data.dataset
    parts = [
        "## Accuracy against latency",
        plain(data.headline),
        f"{facts.pictures} pictures of {plain(facts.name)}, {facts.points} labelled points. NE is the paper's; drift "
        "is relative to the float model's NE; ms is the median of the network and the decoding.",
        _variants(data),
        *gate_section(data.gates),
    ]
    main = data.main_variant
    if main.landmarks and not main.is_reference:
        parts.append(details(f"Landmarks of {main.name}, worst drift first", _parts(main.landmarks)))
    if main.categories and not main.is_reference:
        parts.append(details(f"Categories of {main.name}, worst drift first", _parts(main.categories)))
    parts.append(details("Measured with", _environment(data)))
    if data.notes:
        parts.append("\n".join(f"- {plain(note)}" for note in data.notes))
    return "\n\n".join(parts) + "\n"


def _variants(data: ReportData) -> str:
    headings = ("variant", "stages", "NE", "drift", "95 % bounds", "ms", "p90", "to float32", "MB")
    rows = [_cells(variant, index) for variant in data.variants for index in range(len(variant.stages))]
    return markdown_table(headings, rows)


def _cells(variant: Variant, index: int) -> list[str]:
    row = variant.stages[index]
    drift = None if variant.is_reference else row.relative_drift
    return [
        variant.name,
        str(row.stages),
        words.ne(row.ne),
        "reference" if variant.is_reference else words.percent(drift.estimate if drift else None),
        "" if variant.is_reference else words.bounds(drift),
        words.milliseconds(row.latency.inference.median),
        words.milliseconds(row.latency.inference.p90),
        words.ratio(row.ratio),
        words.megabytes(row.bytes),
    ]


def _parts(parts: Sequence[PartDrift]) -> str:
    known = [part for part in parts if part.relative_drift is not None]
    known.sort(key=lambda part: -part.relative_drift.estimate if part.relative_drift else 0.0)
    rows = [
        [
            part.name,
            str(part.pictures),
            words.ne(part.float_ne),
            words.ne(part.converted_ne),
            words.percent(part.relative_drift.estimate if part.relative_drift else None),
            words.bounds(part.relative_drift),
        ]
        for part in known[:_SHOWN]
    ]
    return markdown_table(("", "pictures", "float NE", "NE", "drift", "95 % bounds"), rows)


def _environment(data: ReportData) -> str:
    facts = data.environment
    rows = [
        ["processor", f"{facts.cpu} ({words.counted(facts.threads, 'thread')})"],
        ["system", f"{facts.system}, Python {facts.python}"],
        ["rounds timed", str(facts.repeats)],
        ["packages", ", ".join(f"{name} {version}" for name, version in facts.packages.items())],
        ["annotations (SHA-256)", data.dataset.digest[:_SHORT_DIGEST]],
        *([f"{bundle.label} (SHA-256)", bundle.digest[:_SHORT_DIGEST]] for bundle in data.bundles),
        ["measured", data.created],
    ]
    if data.command is not None:
        rows.append(["command", data.command])
    return markdown_table(("", ""), rows, texts=2)
