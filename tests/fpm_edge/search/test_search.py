"""A whole search with real conversions in real engines: killed, resumed, and held to its word."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from fpm_edge.__main__ import main
from fpm_edge.accuracy.predict import Predictions, drift_between, predict_session, truth_of
from fpm_edge.convert.convert import Calibration, convert
from fpm_edge.convert.gate import Budget
from fpm_edge.data import Dataset
from fpm_edge.search import Budgets, Candidate, File, Rung, SearchResult, prepare, run, search
from fpm_edge.search.files import Files
from fpm_edge_runtime import check_goldens, open_bundle
from fpm_edge_runtime.errors import ConversionError, GateError, MissingExtraError, SchemaError, UsageError

RUNGS = (Rung(12, 5), Rung(None, 6))
SIZES = [(64, 64), (8, 8)]
# The tiny network drifts by tens of per cent, and the machine may be busy; float32 with more than one stage is too big.
BUDGETS = Budgets(Budget(0.2, 20.0), 500.0, 100_000)


class Killed(BaseException):
    """Stands for the signal: nothing in the search catches it."""


class Run:
    """What happened to `folder`."""

    def __init__(self, folder: Path, before: bytes, said: list[str], result: SearchResult) -> None:
        self.folder, self.before, self.said, self.result = folder, before, said, result


def go(model: Path, folder: Path, data: Dataset, tell: Any, *, resume: bool) -> SearchResult:
    setup = prepare(
        model,
        BUDGETS,
        Calibration(data, 16),
        precisions=["float32", "int8"],
        input_sizes=SIZES,
        threads=[1],
        engines=["litert"],
        rungs=RUNGS,
    )
    return search(setup, folder, tell=tell, resume=resume)


@pytest.fixture(scope="module")
def found(tiny_model: Path, calibration_data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A search that is killed on its second rung, with half a line written, and then resumed."""
    folder = tmp_path_factory.mktemp("searches") / "out"

    def kill(message: str) -> None:
        if message.startswith("rung 2"):
            raise Killed

    with pytest.raises(Killed):
        go(tiny_model, folder, calibration_data, kill, resume=False)
    trials = folder / "trials.jsonl"
    before = trials.read_bytes()
    trials.write_bytes(before + b'{"kind": "trial", "rung"')
    with pytest.raises(UsageError, match="holds a search; go on with it with --resume"):
        go(tiny_model, folder, calibration_data, kill, resume=False)
    said: list[str] = []
    return Run(folder, before, said, go(tiny_model, folder, calibration_data, said.append, resume=True))


def test_a_killed_search_goes_on_where_it_was(found: Run) -> None:
    after = (found.folder / "trials.jsonl").read_bytes()
    assert after.startswith(found.before)
    lines = [json.loads(line) for line in after.splitlines()]
    measured = [(line["rung"], json.dumps(line["candidate"])) for line in lines if line["kind"] == "trial"]
    assert len(measured) == len(set(measured))
    assert {rung for rung, _ in measured} == {1, 2}
    # The conversions were still there.
    assert not [message for message in found.said if message.startswith("converting")]


def test_every_candidate_has_a_reason(found: Run) -> None:
    result = found.result
    lines = [json.loads(line) for line in (found.folder / "trials.jsonl").read_text().splitlines()]
    dropped = {json.dumps(line["candidate"]): line["reason"] for line in lines if line["kind"] == "dropped"}
    last = [trial for trial in result.trials if trial.rung == 2]
    assert len(dropped) + len(last) == result.candidates == 2 * 2 * 3
    # An eighth of the input is far too small for this network: with int8 it is not tried.
    spared = [reason for reason in dropped.values() if reason.startswith("not measured: float32 with as many stages")]
    tiny_file = {"precision": "float32", "input_size": [8, 8]}
    (small,) = (x for x in lines if x["kind"] == "score" and x["rung"] == 1 and x["file"] == tiny_file)
    hopeless = [stage for stage in small["stages"] if stage["drift"]["lower"] > BUDGETS.drift.overall]
    assert len(spared) == len(hopeless) > 0
    assert len(result.trials) == result.candidates - len(spared)
    reasons = {trial.candidate: result.reasons[trial.candidate] for trial in result.trials}
    assert all(reasons.values())
    whole = Candidate(File("float32", (64, 64)), "litert", 3, 1)
    assert "size ≥ 0.17 MB (0.1 MB)" in reasons[whole]
    # The float model itself has no drift from itself; fewer stages have one.
    scores = {trial.candidate: trial.score for trial in result.trials}
    assert scores[whole].drift.estimate == 0
    assert scores[replace(whole, stages=1)].drift.estimate != 0


def one_stage(model: Path, folder: Path, data: Dataset) -> SearchResult:
    """A search in which only the first of three stages is small enough."""
    setup = prepare(
        model,
        Budgets(Budget(100.0, 100.0), 500.0, 100_000),
        Calibration(data, 16),
        precisions=["float32"],
        input_sizes=[(64, 64)],
        threads=[1],
        engines=["litert"],
        rungs=(Rung(None, 2),),
    )
    return search(setup, folder)


def test_fewer_stages_than_were_converted_are_written(
    tiny_model: Path, calibration_data: Dataset, tmp_path: Path
) -> None:
    """Their last one is another file than was measured: it has no features for stages after it."""
    result = one_stage(tiny_model, tmp_path / "out", calibration_data)
    assert result.choice is not None
    assert result.choice.candidate.stages == 1
    (piece,) = open_bundle(tmp_path / "out" / "model.fpm").manifest.pieces["tflite"]
    assert [spec.name for spec in piece.outputs] == ["heatmap_1"]


def test_a_bundle_that_answers_otherwise_than_was_measured_is_refused(
    tiny_model: Path, calibration_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other(*arguments: Any, **options: Any) -> Any:
        return convert(*arguments, **options | {"precision": "float16"})

    monkeypatch.setattr(run, "convert", other)
    with pytest.raises(ConversionError, match="the bundle does not answer as what was measured"):
        one_stage(tiny_model, tmp_path / "out", calibration_data)
    assert not (tmp_path / "out" / "model.fpm").exists()


def test_the_bundle_keeps_the_budgets_as_search_json_says(
    found: Run, tiny_model: Path, tiny_float_bundle: Path, calibration_data: Dataset
) -> None:
    told = json.loads((found.folder / "search.json").read_bytes())
    assert told["format"] == 1
    choice, budgets = told["choice"], told["budgets"]
    candidate = choice["candidate"]
    bundle = open_bundle(found.folder / "model.fpm")
    manifest = bundle.manifest
    assert manifest.quantization.precision == candidate["file"]["precision"] == "int8"
    assert manifest.stages == bundle.stages == candidate["stages"]
    assert [manifest.geometry.input_width, manifest.geometry.input_height] == candidate["file"]["input_size"]
    assert manifest.max_ne_drift == budgets["drift"]["overall"] == 0.2
    assert manifest.measured is not None
    assert manifest.measured.pictures == told["pictures"] == 24
    session = bundle.session(candidate["engine"], threads=candidate["threads"])
    assert check_goldens(session).ok

    # Measured anew, against the float model of full size with all stages.
    assert manifest.calibration is not None
    ranges = set(manifest.calibration.samples)
    scored = calibration_data.subset([i for i, r in enumerate(calibration_data.records) if r.identifier not in ranges])
    expected = last_stage(predict_session(open_bundle(tiny_float_bundle).session("litert"), scored))
    mine = last_stage(predict_session(session, scored))
    (stage,) = drift_between(mine, expected, truth_of(scored), scored.schema).stages
    assert stage.converted_ne == pytest.approx(choice["score"]["ne"], rel=1e-6)
    assert stage.float_ne == pytest.approx(told["reference"]["ne"], rel=1e-6)
    assert stage.relative_drift is not None
    # The order of the pictures decides how the bootstrap's draws fall.
    assert stage.relative_drift.upper == pytest.approx(choice["score"]["drift"]["upper"], abs=0.03)
    assert choice["score"]["drift"]["upper"] <= budgets["drift"]["overall"]
    assert choice["time"]["upper"] <= budgets["latency_ms"]
    assert choice["bytes"] <= budgets["size_bytes"]
    pieces = manifest.pieces[session.format]
    assert sum(len(bundle.read(piece.member)) for piece in pieces) == choice["bytes"]
    assert told["bundle"]["bytes"] == (found.folder / "model.fpm").stat().st_size


def last_stage(found: Predictions) -> Predictions:
    return Predictions(found.landmarks[:, -1:], found.scores[:, -1:], found.sizes)


def test_the_choice_is_the_best_of_those_within(found: Run) -> None:
    result = found.result
    assert result.choice is not None
    assert result.require_choice() is result.choice
    assert result.reasons[result.choice.candidate].startswith("chosen")
    kept = [trial for trial in result.trials if trial.rung == 2 and not result.budgets.misses(trial)]
    assert round(result.choice.score.ne_upper, 4) == min(round(trial.score.ne_upper, 4) for trial in kept)
    points = [(t.time.median, round(t.score.ne, 4), t.bytes) for t in result.trials if t.rung == 2]
    front = [(t.time.median, round(t.score.ne, 4), t.bytes) for t in result.pareto]
    assert front == sorted(front)
    assert set(front) == {p for p in points if not any(q != p and np.less_equal(q, p).all() for q in points)}
    with Image.open(found.folder / "pareto.png") as picture:
        assert picture.format == "PNG"
    assert not (found.folder / "candidates").exists()


def test_a_smaller_input_needs_no_word_to_the_runtime(
    tiny_model: Path, calibration_data: Dataset, tmp_path: Path
) -> None:
    files = Files(tmp_path / "kept", tiny_model, Calibration(calibration_data, 8), range(8), ["onnx"], lambda _: None)
    bundle = files.get(File("float32", (48, 56)))
    assert files.get(File("float32", (48, 56))) is bundle
    session = bundle.session("onnxruntime")
    assert (session.geometry.input_width, session.geometry.input_height) == (48, 56)
    picture = np.random.default_rng(0).integers(0, 256, (130, 90, 3), np.uint8)
    landmarks = session.detect(picture).landmarks
    assert landmarks.min() >= -1
    assert (landmarks <= (90, 130)).all()
    files.clear()
    assert not (tmp_path / "kept").exists()


def test_a_budget_that_nothing_can_meet(tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    arguments = ["search", tiny_model, "--data", "rendered:40@2/64", "--samples", 16]
    arguments += ["--precision", "float32", "--input-size", "64x64", "--threads", 1, "-o", out]
    arguments += ["--max-ne-drift", 0.03, "--max-latency-ms"]
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in [*arguments, 1e-6]])
    captured = capsys.readouterr()
    assert caught.value.code == 3
    failure = captured.err.splitlines()[-1]
    assert failure.startswith(
        "fpm-edge: nothing of 6 candidates keeps the budgets. Nearest: float32 at 64 × 64, 1 stage"
    )
    assert re.search(r"latency \d+\.\d\d ms, budget 1e-06 ms", failure)
    assert "over: latency" in captured.out
    assert sorted(path.name for path in out.iterdir()) == ["pareto.png", "search.json", "trials.jsonl"]
    told = json.loads((out / "search.json").read_bytes())
    assert (told["choice"], told["bundle"]) == (None, None)
    assert told["nearest"]["misses"][-1]["what"] == "latency"
    ne = {(t["candidate"]["engine"], t["candidate"]["stages"]): t["score"]["ne"] for t in told["trials"]}
    assert ne["onnxruntime", 3] == pytest.approx(ne["litert", 3], rel=1e-3)
    # The same again measures nothing, and says the same.
    before = (out / "trials.jsonl").read_bytes()
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in [*arguments, 1e-6, "--resume", "--json"]])
    assert caught.value.code == 3
    again = json.loads(capsys.readouterr().out)
    assert again["trials"] == told["trials"]
    assert again["nearest"] == told["nearest"]
    assert (out / "trials.jsonl").read_bytes() == before
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in [*arguments, 2e-6, "--resume"]])
    assert caught.value.code == 2
    assert "was made with another budgets" in capsys.readouterr().err


def test_a_bundle_that_the_gate_refuses_makes_way(
    found: Run, tiny_model: Path, calibration_data: Dataset, tmp_path: Path
) -> None:
    """The gate of `convert` compares with the float model of the same size and stages, which may err less."""
    result = found.result
    kept = [t for t in result.trials if t.rung == 2 and not result.budgets.misses(t)]
    lines = [{"kind": "refused", "candidate": trial.candidate, "reason": "over there\ntable"} for trial in kept]
    trials = (found.folder / "trials.jsonl").read_bytes()
    (tmp_path / "trials.jsonl").write_bytes(trials + b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    (tmp_path / "model.fpm").write_bytes(b"of an earlier search")
    again = go(tiny_model, tmp_path, calibration_data, print, resume=True)
    assert (again.choice, again.bundle) == (None, None)
    assert again.nearest is not None
    assert again.nearest.trial in kept
    with pytest.raises(GateError, match=r"nothing of 12 candidates keeps the budgets.* refused: over there"):
        again.require_choice()
    # No bundle stands beside a search that chose none.
    assert not (tmp_path / "model.fpm").exists()


def test_nothing_measured_is_no_choice(found: Run) -> None:
    nothing = replace(found.result, choice=None, bundle=None, trials=(), pareto=(), nearest=None)
    with pytest.raises(GateError, match="nothing was measured"):
        nothing.require_choice()


def test_what_cannot_be_searched(tiny_model: Path, calibration_data: Dataset, tmp_path: Path, schema24: Any) -> None:
    def begin(
        calibration: Calibration, output: Path = tmp_path / "out", *, resume: bool = False, **options: Any
    ) -> SearchResult:
        return search(prepare(tiny_model, BUDGETS, calibration, **options), output, resume=resume)

    with pytest.raises(UsageError, match="sample strategy 'k-centre' chooses other pictures for every network"):
        begin(Calibration(calibration_data, 16, strategy="k-centre"))
    with pytest.raises(UsageError, match="a search on 5 pictures bounds nothing"):
        begin(Calibration(calibration_data, 16), score=calibration_data.subset(range(5)))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="cannot be the folder of a search"):
        begin(Calibration(calibration_data, 16), tmp_path / "file")
    with pytest.raises(MissingExtraError, match="pip install tflite-runtime"):
        begin(Calibration(calibration_data, 16), engines=["tflite-runtime"])
    other = Dataset(
        calibration_data.records[:20], type(schema24)("x", ("a",), (0,), {"blouse": (0,)}), calibration_data.name
    )
    with pytest.raises(SchemaError, match="the model 'fashionai24'; use data with the same landmarks"):
        begin(Calibration(calibration_data, 16), score=other)
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model.fpm").write_bytes(b"mine")
    with pytest.raises(UsageError, match=r"model\.fpm is where this search would write; name another folder"):
        begin(Calibration(calibration_data, 16))
    with pytest.raises(UsageError, match="there is no search to go on with"):
        begin(Calibration(calibration_data, 16), resume=True)
    assert (tmp_path / "out" / "model.fpm").read_bytes() == b"mine"
