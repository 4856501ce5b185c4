"""A comparison in Markdown: ``compare.md``, for a pull request or a job's summary."""

from collections.abc import Sequence

from fpm_edge.report import words
from fpm_edge.report.change_words import latency_change, ne_change, points_change, size_change
from fpm_edge.report.changes import Comparison, PartChange, SideFacts, StageChange, VariantChange
from fpm_edge.report.markdown import details, gate_section, markdown_table
from fpm_edge.text.markdown_text import plain

__all__ = ["comparison_markdown"]


def comparison_markdown(found: Comparison) -> str:
    """What changed from A to B, budgets first."""
    parts = [
        "## What changed",
        plain(found.headline),
        *gate_section(found.gates),
        markdown_table(("", "A", "B"), _sides(found.a, found.b), texts=3),
        "\n".join(f"- {plain(text)}" for text in (*found.statements, *_lone(found))),
    ]
    for variant in found.variants:
        parts += _variant(variant)
    if found.facts:
        rows = [(fact.what, fact.a, fact.b) for fact in found.facts]
        parts.append(details("What else differs", markdown_table(("", "A", "B"), rows, texts=3)))
    else:
        parts.append("Nothing else differs: data, bundles and environment are the same.")
    return "\n\n".join(parts) + "\n"


def _sides(a: SideFacts, b: SideFacts) -> list[tuple[str, str, str]]:
    return [
        ("what", a.title, b.title),
        ("measured", a.created, b.created),
        ("data", f"{a.pictures} pictures of {a.data}", f"{b.pictures} pictures of {b.data}"),
    ]


def _lone(found: Comparison) -> list[str]:
    return [
        f"{one.name} is only in {side}." for side, some in (("A", found.only_a), ("B", found.only_b)) for one in some
    ]


def _variant(variant: VariantChange) -> list[str]:
    parts = [
        f"### {plain(variant.name)}",
        markdown_table(("stages", "NE", "", "drift", "", "time", "size"), [_stage(row) for row in variant.stages], 7),
    ]
    for title, changes in (("Landmarks", variant.landmarks), ("Categories", variant.categories)):
        if changes:
            parts.append(details(f"{title}, worst change first", _parts(changes)))
    return parts


def _stage(row: StageChange) -> list[str]:
    drift = row.drift
    return [
        str(row.stages_b) if row.stages_a == row.stages_b else f"{row.stages_a} → {row.stages_b}",
        f"{words.ne(row.ne.a)} → {words.ne(row.ne.b)}",
        ne_change(row.ne),
        f"{words.percent(drift.a)} → {words.percent(drift.b)}",
        "–" if drift.a is None or drift.b is None else points_change(drift),
        f"{words.milliseconds(row.latency.a_ms)} → {words.milliseconds(row.latency.b_ms)} ms "
        f"({latency_change(row.latency)})",
        size_change(row),
    ]


def _parts(changes: Sequence[PartChange]) -> str:
    rows = [
        (
            part.name,
            str(part.pictures_b) if part.pictures_a == part.pictures_b else f"{part.pictures_a} → {part.pictures_b}",
            f"{words.ne(part.ne.a)} → {words.ne(part.ne.b)}",
            ne_change(part.ne),
        )
        for part in changes
    ]
    return markdown_table(("", "pictures", "NE", ""), rows, 4)
