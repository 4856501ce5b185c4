"""What the Python runtime's drift monitor says of streams that both runtimes can make: drift.json, drift-state.json.

python runtime/web/test/vectors/make_drift.py
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from fpm_edge_runtime.drift.monitor import DriftMonitor

HERE = Path(__file__).parent

STREAMS: list[dict[str, Any]] = [
    {"name": "healthy", "stages": 3, "landmarks": 5, "length": 20_000, "scale": 0.002, "late": 0, "lost": 0.0},
    {"name": "at once", "stages": 3, "landmarks": 13, "length": 400, "scale": 0.006, "late": 0, "lost": 0.0},
    {"name": "late", "stages": 2, "landmarks": 4, "length": 20_000, "scale": 0.002, "late": 19_000, "lost": 0.0},
    {"name": "lost at times", "stages": 3, "landmarks": 8, "length": 3_000, "scale": 0.001, "late": 0, "lost": 0.02},
    {"name": "all lost", "stages": 1, "landmarks": 1, "length": 2_000, "scale": 1.0, "late": 0, "lost": 1.0},
    {"name": "many landmarks", "stages": 2, "landmarks": 300, "length": 200, "scale": 0.003, "late": 0, "lost": 0.0},
]
LIMITS = (0.006, 0.005, 0.004)
SEEN = (1, 2, 10, 40, 100, 400, 1_000, 3_000, 10_000, 19_040, 20_000)
SAVED = 10_000


class Uniform:
    """A linear congruential generator: the same numbers in every language. 32 bits, Numerical Recipes' constants."""

    def __init__(self) -> None:
        self.state = 1

    def __call__(self) -> float:
        self.state = (1664525 * self.state + 1013904223) % 2**32
        return self.state / 2**32


def sample(stream: dict[str, Any], number: int, uniform: Uniform) -> np.ndarray:
    """(stages that ran, landmarks): cubes of uniform numbers with the mean `scale`, some not there, some lost."""
    landmarks = stream["landmarks"]
    ran = 1 + int(uniform() * stream["stages"])
    known = [uniform() < 0.8 or i == number % landmarks for i in range(landmarks)]
    scale = 4 * stream["scale"] * (5 if stream["late"] and number >= stream["late"] else 1)
    found = np.full((ran, landmarks), np.nan)
    for row in found:
        for i in range(landmarks):
            u = uniform()
            if known[i]:
                row[i] = np.inf if uniform() < stream["lost"] else scale * u * u * u
    return found


def said(monitor: DriftMonitor) -> dict[str, Any]:
    report = monitor.report()
    return {
        "samples": report.samples,
        "verdict": report.verdict,
        "reason": report.reason,
        "evidence": report.evidence,
        "mostEvidence": report.most_evidence,
        "alarmSample": report.alarm_sample,
        "estimate": report.estimate,
        "lower": report.lower,
        "upper": report.upper,
        "certified": report.certified,
        "fastAlarms": report.fast_alarms,
        "stages": [[part.mean, part.count] for part in report.stages],
        "landmarks": [[part.mean, part.count] for part in report.landmarks[:5]],
        "proxies": [[proxy.mean, proxy.recent, proxy.count] for proxy in report.proxies],
    }


def main() -> None:
    streams = []
    for stream in STREAMS:
        uniform = Uniform()
        names = [f"landmark {i}" for i in range(stream["landmarks"])]
        monitor = DriftMonitor(LIMITS[: stream["stages"]], names, subject="vectors")
        seen = []
        for number in range(stream["length"]):
            monitor.add_shadow(sample(stream, number, uniform))
            scores = np.array([uniform() for _ in range(3)], np.float32)
            monitor.add_frame(scores, uniform() / 50 if number % 3 == 0 else None)
            if number + 1 in SEEN or number + 1 == stream["length"]:
                seen.append(said(monitor))
            if (stream["name"], number + 1) == ("healthy", SAVED):
                (HERE / "drift-state.json").write_bytes(monitor.state() + b"\n")
        streams.append({**stream, "limits": LIMITS[: stream["stages"]], "seen": seen})
    lines = ",\n".join(json.dumps(stream) for stream in streams)
    (HERE / "drift.json").write_text(f'{{"streams": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
