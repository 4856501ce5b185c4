"""The budgets of `fpm-edge report`: options, table, exit code."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import wraps
from typing import Any, TypeVar

import click
from rich.table import Table

from fpm_edge.report.gate import Limits
from fpm_edge.report.gate_words import gate_cells, gate_headings, gate_summary, shown_gates
from fpm_edge.report.gates import Gate, failed_gates
from fpm_edge_runtime import GateError

__all__ = ["budget_options", "gate_table", "hold"]

_Command = TypeVar("_Command", bound=Callable[..., Any])

# Name, metavar, help; in the order of `--help`.
_BUDGETS = (
    ("max-ne-drift", "R", "Budget for the relative NE drift, upper bound (0.03 = 3 %); as for `convert`."),
    (
        "max-part-drift",
        "R",
        "The same for every landmark and category; by default 0.05, or --max-ne-drift if that is larger.",
    ),
    ("max-latency-ms", "M", "Budget for the stages and the decoding, median, upper bound; as for `search`."),
    ("max-latency-ratio", "X", "Budget for their time over that of float32 in the same engine, upper bound."),
    ("max-size-mb", "S", "Budget for the files of the stages that run."),
    ("max-ne-increase", "R", "With --compare, for the relative increase of NE, upper bound."),
    ("max-part-increase", "R", "The same for every landmark and category."),
    ("max-latency-increase", "R", "With --compare of two bundles, for the relative increase of time, upper bound."),
    ("max-size-increase", "R", "With --compare, for the relative increase of size."),
)


def budget_options(command: _Command) -> _Command:
    """``--gate`` and every ``--max-...``; the command gets them as one argument, ``limits``: a `Limits`."""

    @wraps(command)
    def gathered(**given: Any) -> Any:
        limits = Limits(given.pop("gate"), *(given.pop(field.name) for field in fields(Limits)[1:]))
        return command(limits=limits, **given)

    wrapped: Any = gathered
    for name, metavar, text in reversed(_BUDGETS):
        wrapped = click.option(f"--{name}", type=float, metavar=metavar, help=text)(wrapped)
    wrapped = click.option(
        "--gate",
        is_flag=True,
        help="For CI: hold each bundle to the drift budget in its manifest; with --compare, fail where B's NE is "
        "significantly worse than A's. Each --max-... replaces or adds a budget, with or without --gate.",
    )(wrapped)
    result: _Command = wrapped
    return result


def gate_table(gates: Sequence[Gate]) -> Table:
    """Every budget that was not met, the worst first, and those that were."""
    table = Table(title=gate_summary(gates), title_justify="left")
    for index, heading in enumerate(gate_headings()):
        table.add_column(heading, justify="left" if index < 3 or heading == "verdict" else "right", overflow="fold")
    for gate in shown_gates(gates):
        table.add_row(*gate_cells(gate))
    return table


def hold(gates: Sequence[Gate], limits: Limits) -> None:
    """Raise GateError where a budget was not met, or there is nothing that those given are about."""
    if limits.any and not gates:
        raise GateError("there is nothing to hold to the budgets: only float32, which has no drift budget of its own")
    if failed_gates(gates):
        raise GateError(gate_summary(gates))
