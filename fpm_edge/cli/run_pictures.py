"""`fpm-edge run` on pictures: every answer as it comes, and a picture that cannot be used costs no other its answer."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import click
from rich.table import Table

from fpm_edge.cli.options import print_table, say
from fpm_edge.cli.run_output import HEADINGS, Answer
from fpm_edge.pictures.overlay import draw_detection, drawn_png
from fpm_edge.text.plain_json import json_line
from fpm_edge.text.terminal import writing
from fpm_edge_runtime import DataError, Session, load_image
from fpm_edge_runtime.files import write_atomically
from fpm_edge_runtime.pixels.blank import is_one_colour

__all__ = ["PictureRun", "overlay_path", "run_pictures"]


@dataclass(frozen=True)
class PictureRun:
    """What `fpm-edge run` was asked for, as its options say."""

    category: str | None
    box: tuple[float, float, float, float] | None
    stages: int | None
    deadline_ms: float | None
    converge_px: float | Literal["fitted"] | None
    looks: int
    overlay: Path | None
    labels: bool
    as_json: bool


def overlay_path(folder: Path, image: Path) -> Path:
    """Where the picture with the landmarks of `image` goes."""
    return folder / f"{image.stem}.png"


def run_pictures(session: Session, images: Sequence[Path], asked: PictureRun) -> None:
    """Find landmarks on each; JSON is one array with an element and a line for each picture, bad ones too.

    Raises:
        DataError: after all of them, where one could not be used.
        UsageError, SchemaError: as `Session.detect`.
    """
    bad: list[str] = []
    answers: list[Answer] = []
    with _array() if asked.as_json else _table(answers) as tell:
        for path in images:
            try:
                answer, problem = _answer(session, path, asked)
            except DataError as error:
                answer, problem = None, str(error)
            if problem is not None:
                bad.append(problem)
                if len(images) > 1:
                    say(f"skipped: {problem}" if answer is None else problem)
            try:
                tell(path, answer, problem)
            except BrokenPipeError:
                if asked.overlay is None:  # nothing more to do for anybody
                    break
    if asked.overlay is not None and answers:
        say(f"{sum(answer.drawn for answer in answers)} pictures with landmarks written to {asked.overlay}")
    if bad:
        several = f"{len(bad)} of {len(images)} pictures could not be used, see above; the answers of the others stand"
        raise DataError(bad[0] if len(images) == 1 else several)


def _answer(session: Session, path: Path, asked: PictureRun) -> tuple[Answer, str | None]:
    """What was found, and why there is no overlay though there should be one."""
    picture = load_image(path)
    found = session.detect(
        picture,
        category=asked.category,
        box=asked.box,
        stages=asked.stages,
        deadline_ms=asked.deadline_ms,
        converge_px=asked.converge_px,
        looks=asked.looks,
    )
    blank = is_one_colour(picture)
    if blank:
        say(f"note: {path} is blank: nearly one colour, so nothing is to be found on it")
    target, problem = None, None
    if asked.overlay is not None:
        target = overlay_path(asked.overlay, path)
        try:
            write_atomically(target, drawn_png(draw_detection(picture, found, session.schema, labels=asked.labels)))
        except OSError as error:
            target, problem = None, f"{error.filename}: {error.strerror or error}"
    return Answer(path, found, session, asked.category, blank, target), problem


@contextmanager
def _array() -> Iterator[Any]:
    """``tell(path, answer, problem)``: a JSON array that is whole whenever this ends, unless nothing is told."""
    told = 0

    def tell(path: Path, answer: Answer | None, problem: str | None) -> None:
        nonlocal told
        row = {"image": str(path)} if answer is None else answer.row()
        with writing(stop=True):
            # The comma comes first, so that each line is complete as soon as it is there.
            click.echo(("," if told else "[") + json_line(row if problem is None else row | {"error": problem}))
        told += 1

    try:
        yield tell
    finally:
        if told:
            with writing():
                click.echo("]")


@contextmanager
def _table(answers: list[Answer]) -> Iterator[Any]:
    """``tell(path, answer, problem)``: a row a picture, of a single one its landmarks too."""

    def tell(path: Path, answer: Answer | None, problem: str | None) -> None:
        if answer is not None:
            answers.append(answer)

    try:
        yield tell
    finally:
        if answers:
            table = Table(*HEADINGS)
            for answer in answers:
                table.add_row(*answer.cells())
            print_table(table)
            points = answers[0].table() if len(answers) == 1 else None
            if points is not None:
                print_table(points)
