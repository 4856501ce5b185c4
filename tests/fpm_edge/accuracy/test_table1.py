"""Table 1: means of groups that can be worked out by hand, and four ways to print them."""

import json
import math
from dataclasses import replace
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from fpm_edge.__main__ import main
from fpm_edge.accuracy.evaluate import Evaluation, evaluate
from fpm_edge.accuracy.predict import Predictions, truth_of
from fpm_edge.accuracy.table1 import Table1, latex, markdown, table1
from fpm_edge.data import Dataset, load_dataset
from fpm_edge_runtime import DataError, UsageError, load_schema

COLUMNS = (
    *("Neck L.R", "C.Front", "Shoulder", "Armpit", "W.line", "Cuff.I", "Cuff.O", "Top Hem", "W.band", "Hem"),
    *("Crotch", "Bottom.I", "Bottom.O"),
)


@pytest.fixture(scope="module")
def garments() -> Dataset:
    return load_dataset("rendered:30@5/64")


def by_group(dataset: Dataset, shares: dict[str, float], *, last: float = 1.0) -> Evaluation:
    """Landmarks of each group moved right by a share of the width; stage 2 by `last` times as much."""
    truth = truth_of(dataset)
    offset = np.zeros((24, 2), np.float32)
    for group, share in shares.items():
        offset[list(dataset.schema.groups[group]), 0] = share * 64
    landmarks = np.stack([truth.landmarks + offset * factor for factor in (1.0, last)], axis=1)
    predictions = Predictions(landmarks, np.ones(landmarks.shape[:3], np.float32), np.full((len(dataset), 2), 64.0))
    return evaluate(predictions, truth, dataset.schema, dataset.name)


def shares(start: float = 0.01) -> dict[str, float]:
    return {name: start * (number + 1) for number, name in enumerate(COLUMNS)}


def test_columns_and_averages_by_hand(garments: Dataset) -> None:
    table = table1([("mine", by_group(garments, shares(), last=0.5))])
    assert table.columns == COLUMNS
    assert table.headings == (*COLUMNS, "Avg.", "Avg. (columns)")
    (row,) = table.rows
    # The last stage, which is half as wrong as the first.
    assert row.values == pytest.approx([0.005 * (n + 1) for n in range(13)], abs=1e-6)
    visibility = truth_of(garments).visibility
    counts = [int((visibility[:, list(garments.schema.groups[name])] >= 0).sum()) for name in COLUMNS]
    assert row.counts == tuple(counts)
    assert row.average == pytest.approx(np.average(row.values, weights=counts), abs=1e-6)
    assert row.column_average == pytest.approx(0.005 * 7, abs=1e-6)
    assert abs(row.average - row.column_average) > 1e-3


def test_the_contest_counts_visible_points_and_divides_otherwise(garments: Dataset) -> None:
    result = by_group(garments, shares())
    contest = table1([("mine", result)], "contest").rows[0]
    assert contest.counts == tuple(part.count for part in result.stages[-1].contest_ne.groups)
    assert contest.average == result.stages[-1].contest_ne.mean
    assert contest.average > 1.5 * table1([("mine", result)]).rows[0].average


def test_columns_without_points_are_empty(garments: Dataset) -> None:
    skirts = garments.subset(categories=("skirt",))
    table = table1([("a", by_group(skirts, shares())), ("b", by_group(skirts, shares(0.02)))])
    known = [name for name, count in zip(table.columns, table.rows[0].counts, strict=True) if count]
    assert known == ["W.band", "Hem"]
    assert table.rows[0].column_average == pytest.approx((0.09 + 0.10) / 2, abs=1e-6)
    first = markdown(table).splitlines()[-2]
    assert first.count("| – ") == 11
    assert latex(table).splitlines()[-5].count("& -- ") == 11
    plain = json.loads(json.dumps(table.to_dict()))
    assert plain["models"][0]["columns"]["Crotch"] == {"mean": None, "count": 0}


@pytest.fixture(scope="module")
def pair(garments: Dataset) -> Table1:
    """`b` is better in the last column only; in Crotch both are equal."""
    worse = shares() | {"Bottom.O": 0.2}
    better = {name: 2 * share for name, share in shares().items()} | {"Bottom.O": 0.1, "Crotch": shares()["Crotch"]}
    return table1([("a_1 & co", by_group(garments, worse)), ("b|2", by_group(garments, better))])


def test_the_best_of_each_column_is_bold(pair: Table1) -> None:
    lines = markdown(pair).splitlines()
    assert lines[0].startswith("NE by width and height")
    header, _, first, second = lines[2:]
    assert [cell.strip() for cell in header.split("|")[2:-1]] == list(pair.headings)
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in (first, second)]
    assert [unescape(line[0]) for line in cells] == ["a_1 & co", "b|2"]
    bold = [[cell.startswith("**") for cell in line[1:]] for line in cells]
    crotch, outer = COLUMNS.index("Crotch"), COLUMNS.index("Bottom.O")
    assert bold[0][:13] == [index != outer for index in range(13)]
    assert bold[1][:13] == [index in (crotch, outer) for index in range(13)]
    assert cells[0][1:4] == ["**0.0100**", "**0.0200**", "**0.0300**"]
    assert sum(line[13] for line in bold) == 1


def test_a_single_model_has_nothing_in_bold(garments: Dataset) -> None:
    table = table1([("a", by_group(garments, shares()))])
    assert "**" not in markdown(table)
    assert "textbf" not in latex(table)


def test_latex_is_a_booktabs_table(pair: Table1) -> None:
    text = latex(pair)
    lines = [line.strip() for line in text.splitlines()]
    assert lines[0] == r"\begin{table}"
    assert lines[-1] == r"\end{table}"
    assert r"\begin{tabular}{lrrrrrrrrrrrrrrr}" in lines
    assert [line for line in lines if line.endswith("rule")] == [r"\toprule", r"\midrule", r"\bottomrule"]
    rows = [line for line in lines if line.endswith(r"\\")]
    assert len(rows) == 3
    assert rows[1].startswith(r"a\_1 \& co & \textbf{0.0100} & ")
    # 15 numbers and a name: 15 separators that are not escaped.
    assert [row.replace(r"\&", "").count("&") for row in rows] == [15, 15, 15]


def test_broken_answers_are_never_the_best(garments: Dataset) -> None:
    broken = by_group(garments, dict.fromkeys(COLUMNS, float("nan")))
    table = table1([("broken", broken), ("mine", by_group(garments, shares()))])
    assert all(math.isinf(value) for value in table.rows[0].cells)
    first, second = markdown(table).splitlines()[-2:]
    assert "**" not in first
    assert second.count("**") == 30


def test_what_cannot_be_compared(garments: Dataset) -> None:
    result = by_group(garments, shares())
    with pytest.raises(DataError, match="different data"):
        table1([("a", result), ("b", replace(result, data="other"))])
    with pytest.raises(DataError, match="different data"):
        table1([("a", result), ("b", by_group(garments.subset(range(20)), shares()))])
    with pytest.raises(UsageError, match="at least one"):
        table1([])
    schema = load_schema("lsp14")
    assert not schema.groups
    points = np.zeros((1, 1, 14, 2), np.float32)
    truth = replace(
        truth_of(garments.subset([0])),
        landmarks=points[0],
        visibility=np.ones((1, 14), np.int8),
        categories=(next(iter(schema.categories)),),
    )
    predictions = Predictions(points, np.ones((1, 1, 14), np.float32), np.ones((1, 2)))
    with pytest.raises(UsageError, match="joints has no groups"):
        table1([("a", evaluate(predictions, truth, schema, "joints"))])


def printed(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in ("evaluate", *arguments)])
    captured = capsys.readouterr()
    assert caught.value.code == 0, captured.err
    return captured.out


DATA = ("--data", "rendered:24@9/64", "--holdout", 12)


def test_folders_and_bundles_side_by_side(
    tiny_model: Path, tiny_bundle: Path, tiny_float_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = (tiny_model, tiny_bundle, tiny_float_bundle)
    plain = json.loads(printed(capsys, *models, *DATA, "--table1", "--json"))
    assert plain["ne"] == "paper"
    assert list(plain["models"][0]["columns"]) == list(COLUMNS)
    # The folder and its int8 bundle have the same name, so the paths tell them apart.
    names = [model["model"] for model in plain["models"]]
    assert names == [str(tiny_model), str(tiny_bundle), "tiny_float", "mean shape"]
    folder, int8, float32, floor = (model["average"] for model in plain["models"])
    assert folder == pytest.approx(float32, rel=0.02)
    assert folder == pytest.approx(int8, rel=0.25)
    assert floor > 0.0
    alone = json.loads(printed(capsys, tiny_bundle, *DATA, "--json"))
    assert int8 == alone["stages"][-1]["ne"]["mean"]
    assert floor == alone["mean_shape"]["ne"]["mean"]

    contest = json.loads(printed(capsys, tiny_bundle, *DATA, "--table1", "--ne", "contest", "--format", "json"))
    assert contest["models"][0]["average"] == alone["stages"][-1]["contest_ne"]["mean"]


def test_every_form_has_every_number(tiny_float_bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = json.loads(printed(capsys, tiny_float_bundle, *DATA, "--table1", "--format", "json"))
    model = plain["models"][0]
    means = [entry["mean"] for entry in model["columns"].values()] + [model["average"], model["column_average"]]
    expected = ["–" if mean is None else f"{mean:.4f}" for mean in means]
    text = printed(capsys, tiny_float_bundle, *DATA, "--table1")
    row = next(line for line in text.splitlines() if "tiny_float" in line)
    assert row.split()[1:] == expected
    for form in ("markdown", "latex"):
        row = next(
            line
            for line in printed(capsys, tiny_float_bundle, *DATA, "--table1", "--format", form).splitlines()
            if line.strip(" |").startswith("tiny")
        )
        cells = row.rstrip("|\\ ").replace("&", "|").split("|")[-15:]
        numbers = [cell.strip().replace("**", "").removeprefix(r"\textbf{").rstrip("}") for cell in cells]
        assert numbers == [value.replace("–", "--") if form == "latex" else value for value in expected]
    assert "mean shape" in text
    without = printed(capsys, tiny_float_bundle, "--data", "rendered:12@9/64", "--table1")
    assert "mean shape" not in without


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--format", "latex"), "--table1"),
        (("--ne", "contest"), "--table1"),
        (("--table1", "--json", "--format", "latex"), "contradict"),
    ],
)
def test_options_that_need_table1(
    options: tuple[str, ...], said: str, tiny_float_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["evaluate", str(tiny_float_bundle), "--data", "rendered:12@9/64", *options])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err
