"""What `fpm-edge report --compare` prints."""

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from fpm_edge.cli.options import print_json, print_table, say
from fpm_edge.cli.report_budgets import gate_table
from fpm_edge.report import Comparison, words
from fpm_edge.report.change_words import latency_change, ne_change, points_change, size_change
from fpm_edge.report.changes import FactChange, PartChange, VariantChange

__all__ = ["show_comparison"]

# Of landmarks of one variant; all of them are in compare.json and compare.md.
_SHOWN = 5


def show_comparison(found: Comparison, as_json: bool, written: Path | None) -> None:
    """The tables, or the JSON, on stdout; what to know about them on stderr, and where the Markdown was `written`."""
    if as_json:
        print_json(found.to_dict())
    else:
        print_table(_variants(found.variants))
        for variant in found.variants:
            parts = [*variant.landmarks[:_SHOWN], *variant.categories]
            if parts and not variant.is_reference:
                print_table(_parts(variant, parts))
        if found.facts:
            print_table(_facts(found.facts))
        if found.gates:
            print_table(gate_table(found.gates))
    for statement in found.statements:
        say(statement)
    for side, some in (("A", found.only_a), ("B", found.only_b)):
        for one in some:
            say(f"only in {side}: {one.name}")
    say(found.headline)
    if written is not None:
        say(f"changes   {written}, .json")


def _variants(variants: Sequence[VariantChange]) -> Table:
    table = Table(title="What changed from A to B", title_justify="left")
    for heading in ("variant", "stages", "NE", "drift", "time", "size"):
        table.add_column(heading, overflow="fold")
    for variant in variants:
        for row in variant.stages:
            drift = row.drift
            known = drift.a is not None and drift.b is not None
            table.add_row(
                variant.name if row is variant.stages[0] else "",
                str(row.stages_b) if row.stages_a == row.stages_b else f"{row.stages_a} → {row.stages_b}",
                f"{words.ne(row.ne.a)} → {words.ne(row.ne.b)}\n{ne_change(row.ne)}",
                f"{words.percent(drift.a)} → {words.percent(drift.b)}\n{points_change(drift)}" if known else "–",
                f"{words.milliseconds(row.latency.a_ms)} → {words.milliseconds(row.latency.b_ms)} ms\n"
                f"{latency_change(row.latency)}",
                size_change(row),
                end_section=row is variant.last,
            )
    return table


def _parts(variant: VariantChange, parts: Sequence[PartChange]) -> Table:
    table = Table(title=f"{variant.name}, all stages: worst landmarks, and categories", title_justify="left")
    for heading in ("", "pictures", "NE", "change (bounds hold for all together)"):
        table.add_column(heading, justify="right" if heading == "pictures" else "left")
    for part in parts:
        table.add_row(
            f"{part.kind} {part.name}",
            str(part.pictures_b) if part.pictures_a == part.pictures_b else f"{part.pictures_a} → {part.pictures_b}",
            f"{words.ne(part.ne.a)} → {words.ne(part.ne.b)}",
            ne_change(part.ne),
        )
    return table


def _facts(facts: Sequence[FactChange]) -> Table:
    table = Table(title="What else differs", title_justify="left")
    for heading in ("", "A", "B"):
        table.add_column(heading, overflow="fold")
    for fact in facts:
        table.add_row(fact.what, fact.a, fact.b)
    return table
