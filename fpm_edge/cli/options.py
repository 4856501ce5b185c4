"""Options and pieces that several commands share."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.table import Table

from fpm_edge.cli.inputs import DATA_SPEC, INPUT, SCHEMA, InputPath
from fpm_edge.cli.outputs import OutputFile, OutputFolder, keep_pictures
from fpm_edge.shipped import model_folder
from fpm_edge.text.plain_json import json_document, json_line
from fpm_edge.text.progress import progress_bar
from fpm_edge.text.terminal import console, writing
from fpm_edge_runtime import UsageError
from fpm_edge_runtime.engines import DEFAULT_ORDER

if TYPE_CHECKING:
    from fpm_edge.data import Dataset
    from fpm_edge_runtime import Bundle

__all__ = [
    "MODEL",
    "SPEC_HELP",
    "DataSource",
    "announce",
    "data_options",
    "engine_option",
    "input_size_option",
    "json_option",
    "output_option",
    "print_json",
    "print_line",
    "print_table",
    "print_text",
    "say",
    "trusted_option",
]

_Command = TypeVar("_Command", bound=Callable[..., Any])

_PIPED_WIDTH = 160

SPEC_HELP = (
    "KIND:PATH, one of fashionai:DIR[#PART], deepfashion:DIR, deepfashion2:DIR, coco:JSON, lsp:DIR, "
    "yolo:YAML[#SPLIT], shards:DIR[,DIR2], "
    "rendered:COUNT[@SEED[/SIZE]] for garments drawn on demand; without a garment nothing:DIR, backdrops:COUNT[@SEED]."
)


@dataclass(frozen=True)
class DataSource:
    """What the data options of a command say.

    Attributes:
        spec: ``KIND:PATH``.
        schema: name or file, where it is not the data's own.
        categories: comma-separated, None for all.
        skip_bad: leave bad rows out.
        holdout: photographs (or their share, below 1) to hold back, or a file that lists them; None for none.
        split_seed: which ones.
        allow_seen: measure even on photographs that a model was trained on.
    """

    spec: str
    schema: str | None = None
    categories: str | None = None
    skip_bad: bool = False
    holdout: float | Path | None = None
    split_seed: int = 0
    allow_seen: bool = False

    def training(self) -> "Dataset":
        """The data without the photographs held back."""
        return self._part(0)

    def held(self) -> "Dataset":
        """The photographs held back; all of the data where none are."""
        return self._part(1)

    def measured(self, *models: "Path | Bundle") -> "Dataset":
        """`held`, to measure these models on. Raises UsageError where one was trained on a photograph of it."""
        dataset = self.held()
        self.refuse_seen(dataset, *models)
        return dataset

    def refuse_seen(self, dataset: "Dataset", *models: "Path | Bundle") -> None:
        """Raise UsageError where one of the models was trained on a photograph of `dataset`; say so if asked for."""
        from fpm_edge.train.seen import refuse_seen, seen_by

        known = [(str(model if isinstance(model, Path) else model.source), seen_by(model)) for model in models]
        for line in refuse_seen(dataset, known, allowed=self.allow_seen):
            say(f"note: {line}")

    @property
    def held_back(self) -> str:
        """The options by which photographs are held back; empty where none are."""
        if self.holdout is None:
            return ""
        if isinstance(self.holdout, Path):
            return f"--holdout {self.holdout}"
        return f"--holdout {_amount(self.holdout)} --split-seed {self.split_seed}"

    def _part(self, number: int) -> "Dataset":
        # Not above: `fpm-edge run` reads no data set, and starts sooner without.
        from fpm_edge.data import split_dataset, split_listed

        dataset = self._load()
        if isinstance(self.holdout, Path):
            known = len(dataset.notes)
            dataset = split_listed(dataset, self.holdout)[number]
            for line in dataset.notes[known:]:
                say(f"note: {line}")
        elif self.holdout is not None:
            dataset = split_dataset(dataset, _amount(self.holdout), self.split_seed)[number]
        if self.categories is None:
            return dataset
        # After the split: which photographs are held back must not depend on what is looked at.
        return dataset.subset(categories=[name.strip() for name in self.categories.split(",")])

    def _load(self) -> "Dataset":
        from fpm_edge.data import load_dataset

        with progress_bar("reading", 1) as advance:

            def report(done: int, total: int) -> None:
                advance(0, note=f"{done}/{total}")

            dataset = load_dataset(self.spec, schema=self.schema, skip_bad=self.skip_bad, progress=report)
        announce(dataset)
        return dataset


def announce(dataset: "Dataset") -> None:
    """Say which rows were skipped, and what the reader had to decide.

    Raises:
        UsageError: the command would write over one of the pictures.
    """
    keep_pictures(record.image for record in dataset.records if isinstance(record.image, Path))
    for line in dataset.skipped:
        say(f"skipped: {line}")
    for line in dataset.notes:
        say(f"note: {line}")


def _amount(holdout: float) -> int | float:
    """A number of photographs from 1 on, a share of them below."""
    if not math.isfinite(holdout) or holdout <= 0 or (holdout >= 1 and holdout != int(holdout)):
        raise UsageError(f"--holdout is {holdout}; expected a whole number of photographs, or a share between 0 and 1")
    return int(holdout) if holdout >= 1 else holdout


def data_options(
    option: str | None = "--data", *, required: bool = True, split: bool = True, help_text: str = SPEC_HELP
) -> Callable[[_Command], _Command]:
    """``--data --schema --categories --skip-bad``, and for `split` ``--holdout --split-seed --allow-seen``.

    Where `option` is None, the spec is the command's argument DATA instead. The command gets them as one argument,
    ``source``: a `DataSource`, or None where no data was given.
    """
    names = ("spec", "schema", "categories", "skip_bad", *(("holdout", "split_seed", "allow_seen") if split else ()))

    def decorate(command: _Command) -> _Command:
        @wraps(command)
        def gathered(**given: Any) -> Any:
            fields = {name: given.pop(name) for name in names}
            if fields["spec"] is None:
                _refuse_without_data(option, fields)
            return command(source=None if fields["spec"] is None else DataSource(**fields), **given)

        wrapped: Any = gathered
        for add in (
            *(_SPLIT_OPTIONS if split else ()),
            click.option("--skip-bad", is_flag=True, help="Leave bad rows out and say so, instead of stopping."),
            click.option("--categories", metavar="A,B", help="Only garments of these categories."),
            click.option(
                "--schema", type=SCHEMA, metavar="NAME|FILE", help="Landmark schema, where it is not the data's own."
            ),
            click.argument("spec", type=DATA_SPEC, metavar="DATA", required=required)
            if option is None
            else click.option(option, "spec", type=DATA_SPEC, metavar="SPEC", required=required, help=help_text),
        ):
            wrapped = add(wrapped)
        result: _Command = wrapped
        return result

    return decorate


def _refuse_without_data(option: str | None, fields: dict[str, Any]) -> None:
    """Options about data that nothing names would be ignored."""
    for name in ("schema", "categories", "skip_bad", "holdout", "split_seed", "allow_seen"):
        if fields.get(name):
            raise UsageError(f"--{name.replace('_', '-')} says something about {option}, which is missing; give both")


class _Holdout(click.ParamType[float | Path]):
    """A number of photographs, a share of them, or a file with their names."""

    name = "holdout"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | Path:
        try:
            return float(value)
        except ValueError:
            return Path(value)

    def reads(self, value: float | Path) -> tuple[Path, ...]:
        """The file, if it is one."""
        return (value,) if isinstance(value, Path) else ()


_SPLIT_OPTIONS = (
    click.option(
        "--allow-seen",
        is_flag=True,
        help="Measure even on photographs that the model was trained on, instead of refusing, and say so.",
    ),
    click.option(
        "--split-seed",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        help="Which photographs are held back is drawn with this seed, unless a file says.",
    ),
    click.option(
        "--holdout",
        type=_Holdout(),
        metavar="N|SHARE|FILE",
        help="Hold back so many photographs, about that share, or those that a text file names, one a line: training "
        "leaves them out, measuring uses only them.",
    ),
)


class _ModelPath(InputPath):
    """A path, or the name of a shipped model."""

    name = "model"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return model_folder(Path(value))


MODEL = _ModelPath()


class _InputSize(click.ParamType[tuple[int, int]]):
    """``W×H`` (with an x) or the side of a square, in pixels."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        sides = [int(side) if side.isdecimal() else 0 for side in str(value).lower().split("x")]
        if len(sides) > 2 or not all(sides):
            raise UsageError(f"--input-size is {value}; expected the side in pixels, or WIDTHxHEIGHT, such as 192x256")
        return sides[0], sides[-1]


def input_size_option(help_text: str, **settings: Any) -> Callable[[_Command], _Command]:
    """``--input-size``."""
    return click.option("--input-size", type=_InputSize(), metavar="PX|WxH", help=help_text, **settings)


def output_option(
    help_text: str, kind: OutputFile | OutputFolder, *, required: bool = True
) -> Callable[[_Command], _Command]:
    """``-o/--output``."""
    return click.option("-o", "--output", type=kind, required=required, metavar="PATH", help=help_text)


def engine_option(command: _Command) -> _Command:
    """``--engine``: a name, or None for what `Bundle.session` takes by itself."""
    help_text = f"By default the first that is installed and reads the bundle, of {', '.join(DEFAULT_ORDER)}."
    return click.option("--engine", metavar="NAME", help=help_text)(command)


def trusted_option(*, required: bool = False) -> Callable[[_Command], _Command]:
    """``--trusted``, repeatable. The command gets ``trusted`` as `open_bundle` takes it: key files, or None."""
    return click.option(
        "--trusted",
        type=INPUT,
        metavar="KEY",
        multiple=True,
        required=required,
        callback=lambda _context, _parameter, given: given or None,
        help="A public key, of `fpm-edge keygen`: bundles not signed with it, or another that is given, are refused.",
    )


def json_option(command: _Command) -> _Command:
    """``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")(command)


def say(message: str) -> None:
    """One line for people, on stderr."""
    with writing(2):
        console(stderr=True).print(message, soft_wrap=True)


def print_json(result: Any) -> None:
    """The result for machines, on stdout."""
    print_text(json_document(result))


def print_line(result: Any) -> None:
    """One of many results for machines: a line of JSON on stdout. Raises BrokenPipeError where nobody reads on."""
    with writing(stop=True):
        click.echo(json_line(result))


def print_text(text: str | bytes) -> None:
    """The result in a form of its own, on stdout; bytes as they are, whatever the encoding there."""
    with writing():
        click.echo(text)


def print_table(table: Table) -> None:
    """The result for people, on stdout."""
    out = console()
    # Into a file or a pipe, nothing may be cut off.
    with writing():
        (out if out.is_terminal else console(width=_PIPED_WIDTH)).print(table)
