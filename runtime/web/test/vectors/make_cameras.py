"""What the Python runtime's smoother and tracker make of a stream that both runtimes can make: cameras.json.

python runtime/web/test/vectors/make_cameras.py
"""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from make_drift import HERE, Uniform

from fpm_edge_runtime import Cropping, Smoothing, Tracker

WIDTH, HEIGHT, LANDMARKS, FRAMES = 240, 160, 4, 70
OFFSETS = ((-25, -15), (25, -15), (0, 20), (10, 5))
SETTINGS: list[dict[str, Any]] = [
    {"smoothing": {}, "cropping": None},
    {"smoothing": {"still_hz": 0.7, "hz_per_speed": 20.0, "speed_hz": 1.3, "clear": 0.3, "hold_s": 0.2, "cut": 0.05},
     "cropping": {}},
    {"smoothing": {"still_hz": 2.0}, "cropping": {"margin": 0.2, "follow": 0.25, "clear": 0.8, "whole_every": 5}},
]  # fmt: skip


class Scripted:
    """Finds a garment that walks, trembles, jumps at frame 40 and is partly unclear; notes the regions asked for."""

    def __init__(self) -> None:
        self.uniform, self.number, self.boxes = Uniform(), 0, []

    def detect(self, image: Any, *, box: Any, **_: Any) -> Any:
        self.boxes.append(box)
        x, y = 60 + 0.7 * self.number + (90 if self.number >= 40 else 0), 80 - 0.3 * self.number
        places, scores = [], []
        for across, down in OFFSETS:
            places.append((x + across + 2 * self.uniform(), y + down + 2 * self.uniform()))
            scores.append(self.uniform() if self.uniform() < 0.2 else 0.9)
        self.number += 1
        labelled = np.array([True, True, True, self.number < 60])
        return SimpleNamespace(
            landmarks=np.array(places, np.float32), scores=np.array(scores, np.float32), labelled=labelled
        )


def tracked(settings: dict[str, Any]) -> dict[str, Any]:
    script, times = Scripted(), Uniform()
    cropping = settings["cropping"]
    tracker = Tracker(
        script,
        smoothing=Smoothing(**settings["smoothing"]),
        cropping=None if cropping is None else Cropping(**cropping),
    )
    frame, time, frames = np.zeros((HEIGHT, WIDTH, 3), np.uint8), 0.0, []
    for _ in range(FRAMES):
        time += 0.01 + 0.1 * times()
        found = tracker.detect(frame, time)
        frames.append(
            {
                "landmarks": [None if np.isnan(x) else round(float(x), 4) for x in found.landmarks.ravel()],
                "held": found.held.tolist(),
                "restarted": bool(found.restarted),
                "box": None if found.box is None else [round(x, 4) for x in found.box],
            }
        )
    return {**settings, "frames": frames}


if __name__ == "__main__":
    streams = ",\n".join(json.dumps(tracked(settings), separators=(",", ":")) for settings in SETTINGS)
    (Path(HERE) / "cameras.json").write_text(f'{{"streams": [\n{streams}\n]}}\n')
