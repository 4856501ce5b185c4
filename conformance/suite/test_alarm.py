"""Streams of disagreements: the same evidence, bounds and verdicts, and states that go on where others ended."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.suite.client import Client
from conformance.suite.compare import refused_alike, same_report
from fpm_edge_runtime import DriftMonitor, open_bundle
from fpm_edge_runtime.check.self_check import GoldenReport, GoldenStage
from fpm_edge_runtime.drift.report import MonitorReport

pytestmark = pytest.mark.needs("monitor")

LIMITS = [0.02, 0.01]
NAMES = ["red", "green", "blue"]
FIELDS: dict[str, Any] = {"limits": LIMITS, "landmarks": NAMES}

Step = dict[str, Any]


def monitor(**options: Any) -> DriftMonitor:
    return DriftMonitor(LIMITS, NAMES, **options)


def take(monitor: DriftMonitor, step: Step) -> None:
    """One step of a stream, as PROTOCOL.md says."""
    ((kind, value),) = step.items()
    if kind == "shadow":
        monitor.add_shadow(np.array(value, np.float64))
    elif kind == "frame":
        monitor.add_frame(np.array(value["scores"], np.float32), value.get("movement"))
    elif kind == "flip":
        monitor.add_flip(value)
    elif kind == "failure":
        monitor.add_failure(value)
    elif kind == "golden":
        monitor.add_golden(GoldenReport(1, (GoldenStage(1, 0.0, 0.0, "", 1.0, value),)))
    else:
        monitor.reset()


def reports(monitor: DriftMonitor, stream: list[Step], checkpoints: list[int]) -> list[MonitorReport]:
    found = [monitor.report()] if 0 in checkpoints else []
    for number, step in enumerate(stream, 1):
        take(monitor, step)
        if number in checkpoints:
            found.append(monitor.report())
    return found


def same(
    client: Client, expected: DriftMonitor, stream: list[Step], checkpoints: list[int], **fields: Any
) -> list[MonitorReport]:
    """Both say the same at each checkpoint; what the reference says."""
    wanted = reports(expected, stream, checkpoints)
    answered = client.ask("monitor", **fields, stream=stream, checkpoints=checkpoints)["reports"]
    assert len(answered) == len(wanted)
    for one, other in zip(wanted, answered, strict=True):
        same_report(one, other)
    return wanted


def shadows(mean: float, count: int, seed: int, lost: float = 0.0) -> list[Step]:
    """Samples whose distances have this mean; some landmarks are lost, some not there, some stages do not run."""
    rng = np.random.default_rng(seed)
    steps: list[Step] = []
    for _ in range(count):
        values = rng.exponential(mean, (int(rng.integers(1, 3)), 3))
        values[:, rng.random(3) < lost] = rng.uniform(0.2, 3.0)
        values[:, rng.random(3) < 0.2] = np.nan
        if np.isnan(values).all():
            values[:, 0] = mean
        steps.append({"shadow": values.tolist()})
    return steps


def test_nothing_is_known_yet(client: Client) -> None:
    (report,) = same(client, monitor(), [], [0], **FIELDS)
    assert (report.verdict, report.evidence, report.estimate, report.upper) == ("ok", 1.0, None, 0.25)


def test_a_healthy_device(client: Client) -> None:
    found = same(client, monitor(), shadows(0.004, 1500, 0), [0, 1, 2, 10, 100, 500, 1000, 1500], **FIELDS)
    assert [report.verdict for report in found] == ["ok"] * 8
    assert found[-1].lower > 0
    assert found[-1].certified is not None


def test_a_device_that_drifts_slowly(client: Client) -> None:
    stream = shadows(0.004, 500, 1) + shadows(0.02, 500, 2)
    found = same(client, monitor(), stream, list(range(480, 1000, 10)), **FIELDS)
    assert [report.verdict for report in (found[0], found[-1])] == ["ok", "drifted"]
    assert "warning" in {report.verdict for report in found}
    assert (found[-1].certified, found[-1].alarm_sample is None) == (None, False)


def test_a_device_that_breaks(client: Client) -> None:
    stream = shadows(0.004, 50, 3) + shadows(0.2, 60, 4) + shadows(0.001, 200, 5)
    found = same(client, monitor(), stream, list(range(45, 311, 5)), **FIELDS)
    # An alarm stays, and capital stops counting at its end.
    assert found[-1].verdict == "drifted"
    assert "disagreement" in found[-1].fast_alarms


@pytest.mark.parametrize("lost", [0.02, 0.3, 1.0])
def test_landmarks_that_are_lost_count_as_the_cap(client: Client, lost: float) -> None:
    same(client, monitor(), shadows(0.004, 400, 6, lost), [1, 50, 200, 400], **FIELDS)


def test_the_same_value_again_and_again(client: Client) -> None:
    for value in (0.0, 1e-12, 0.01, 0.25, 7.0):
        same(client, monitor(), [{"shadow": [[value] * 3] * 2}] * 300, [1, 2, 30, 300], **FIELDS)


@pytest.mark.parametrize("alpha", [1e-6, 0.05, 0.5, 0.99])
def test_other_promises(client: Client, alpha: float) -> None:
    stream = shadows(0.011, 300, 7)
    same(client, monitor(alpha=alpha), stream, [1, 10, 100, 200, 300], alpha=alpha, **FIELDS)


def test_frames_flips_goldens_and_failures(client: Client) -> None:
    rng = np.random.default_rng(8)
    stream: list[Step] = []
    for number in range(600):
        kind = rng.random()
        height = 0.9 if number < 300 else 0.2
        scores = np.clip(rng.normal(height, 0.05, int(rng.integers(1, 4))), 0, 1).astype(np.float32)
        if kind < 0.7:
            stream.append({"frame": {"scores": scores.tolist(), "movement": float(rng.exponential(0.01))}})
        elif kind < 0.8:
            stream.append({"frame": {"scores": scores.tolist(), "movement": None}})
        elif kind < 0.9:
            stream.append({"flip": float(rng.exponential(0.01))})
        else:
            stream += shadows(0.004, 1, number)
    marks: list[Step] = [{"failure": "no \u2603"}, {"golden": "warning"}, {"golden": "ok"}, {"failure": "again"}]
    stream[100:100] = marks
    found = same(client, monitor(), stream, list(range(0, 604, 7)), **FIELDS)
    assert "peak height" in found[-1].fast_alarms
    assert {report.failures for report in found} >= {0, 2}


def test_a_golden_case_that_fails_is_drift_until_it_is_forgotten(client: Client) -> None:
    stream: list[Step] = [{"golden": "drifted"}, *shadows(0.004, 1, 9), {"reset": True}, *shadows(0.004, 2, 10)]
    found = same(client, monitor(), stream, [0, 1, 2, 3, 4, 5], **FIELDS)
    assert [report.verdict for report in found] == ["ok", "drifted", "drifted", "ok", "ok", "ok"]


@pytest.mark.parametrize("name", ["int16", "int8", "recognition", "shipped"])
def test_the_limits_of_a_bundle(client: Client, bundles: dict[str, Path], name: str) -> None:
    bundle = open_bundle(bundles[name])
    client.ask("open", path=bundles[name])
    count = len(bundle.schema.landmarks)
    stream: list[Step] = [{"shadow": [[0.01 * (1 + landmark)] * count]} for landmark in range(20)]
    same(client, DriftMonitor.of_bundle(bundle), stream, [0, 5, 20])
    same(client, DriftMonitor.of_bundle(bundle, tolerance=0.0, alpha=0.2), stream, [0, 20], tolerance=0.0, alpha=0.2)


def test_a_bundle_that_says_no_limit(client: Client, bundles: dict[str, Path]) -> None:
    client.ask("open", path=bundles["float32"])
    bundle = open_bundle(bundles["float32"])
    ask = {"stream": [], "checkpoints": []}
    assert refused_alike(lambda: DriftMonitor.of_bundle(bundle), lambda: client.ask("monitor", **ask)) == "UsageError"
    client.ask("open", path=bundles["int8"])
    found = refused_alike(
        lambda: DriftMonitor.of_bundle(open_bundle(bundles["int8"]), tolerance=-1.0),
        lambda: client.ask("monitor", **ask, tolerance=-1.0),
    )
    assert found == "UsageError"


@pytest.mark.parametrize(
    "options",
    [{"alpha": 0.0}, {"alpha": 1.0}, {"alpha": -1.0}, {"limits": []}, {"limits": [0.0]}, {"limits": [0.01, 0.25]}],
    ids=str,
)
def test_limits_and_promises_that_cannot_be(client: Client, options: dict[str, Any]) -> None:
    fields = {"limits": LIMITS, **options}
    found = refused_alike(
        lambda: DriftMonitor(landmarks=NAMES, **fields),  # type: ignore[arg-type]
        lambda: client.ask("monitor", landmarks=NAMES, **fields, stream=[], checkpoints=[]),
    )
    assert found == "UsageError"


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [[0.1, 0.1]],
        [[0.1] * 3] * 3,
        [[None] * 3],
        [[0.1, None, 0.1], [0.1, 0.1, 0.1]],
        [[0.1, -0.1, 0.1]],
    ],
    ids=str,
)
def test_samples_that_cannot_be(client: Client, rows: list[list[float | None]]) -> None:
    values = np.array([[np.nan if value is None else value for value in row] for row in rows], np.float64)
    found = refused_alike(
        lambda: monitor().add_shadow(values),
        lambda: client.ask("monitor", **FIELDS, stream=[{"shadow": rows}], checkpoints=[]),
    )
    assert found == "DataError"


# ---- states ----

BEFORE = [*shadows(0.02, 40, 11), {"golden": "warning"}, {"frame": {"scores": [0.5, 0.25]}}, {"flip": 0.5}]
AFTER = [*shadows(0.02, 60, 12), {"frame": {"scores": [0.75], "movement": 0.125}}]


@pytest.mark.needs("monitor_state")
def test_a_state_goes_on_where_it_ended(client: Client) -> None:
    state = client.ask("monitor", **FIELDS, stream=BEFORE, checkpoints=[], save=True)["state"]
    expected = monitor()
    reports(expected, BEFORE, [])
    same(client, expected, AFTER, [0, 1, 30, 61], **FIELDS, state=state)


@pytest.mark.needs("monitor_state")
@pytest.mark.parametrize(
    "change",
    [{"subject": "another"}, {"alpha": 0.02}, {"limits": [0.02, 0.02]}, {"landmarks": ["a", "b", "c"]}],
    ids=str,
)
def test_a_state_of_something_else(client: Client, change: dict[str, Any]) -> None:
    state = client.ask("monitor", **FIELDS, stream=BEFORE, checkpoints=[], save=True)["state"]
    fields = {**FIELDS, **change}
    other = DriftMonitor(
        fields["limits"], fields["landmarks"], subject=fields.get("subject", ""), alpha=fields.get("alpha", 0.01)
    )
    saved = monitor()
    reports(saved, BEFORE, [])
    found = refused_alike(
        lambda: other.restore(saved.state(), "state"),
        lambda: client.ask("monitor", **fields, state=state, stream=[], checkpoints=[]),
    )
    assert found == "DataError"


@pytest.mark.needs("monitor_state")
@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "x", '{"version": 99}'])
def test_what_is_no_state(client: Client, text: str) -> None:
    found = refused_alike(
        lambda: monitor().restore(text.encode(), "state"),
        lambda: client.ask("monitor", **FIELDS, state=text, stream=[], checkpoints=[]),
    )
    assert found == "DataError"


@pytest.mark.needs("monitor_state", "reference_state")
def test_a_state_of_the_reference(client: Client) -> None:
    expected = monitor(subject="one", alpha=0.1)
    reports(expected, BEFORE, [])
    state = expected.state().decode()
    fields = {**FIELDS, "subject": "one", "alpha": 0.1}
    same(client, expected, AFTER, [0, 1, 30, 61], **fields, state=state)


@pytest.mark.needs("monitor_state", "reference_state")
def test_the_reference_takes_the_clients_state(client: Client) -> None:
    answer = client.ask("monitor", **FIELDS, stream=BEFORE, checkpoints=[len(BEFORE)], save=True)
    other = monitor()
    other.restore(answer["state"].encode(), "the client's state")
    # How many comparisons failed is of a process, and so not in a state.
    (report,) = answer["reports"]
    same_report(other.report(), report)
    json.loads(answer["state"])


def test_checkpoints_that_are_not_in_the_stream(client: Client) -> None:
    with pytest.raises(Exception, match=r"^UsageError"):
        client.ask("monitor", **FIELDS, stream=[{"flip": 0.1}], checkpoints=[2])
