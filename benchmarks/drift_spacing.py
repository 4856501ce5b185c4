"""How far apart compared frames must be for the drift alarm to keep its promise where scenes stand still.

    benchmarks/drift_spacing.py lite.fpm runs/drift-alarm/disagreements.npz [--streams 1000 --samples 10000]

Draws from the last stage's disagreements (`drift_alarm.py` measures them); the limit is BUNDLE's. Scenes last as long
as an exponential distribution of that mean says, and a scene's frames all disagree as its first does: the worst case.
After `spacing_s`, the next compared frame is waited for as at a rate of 1 % of 10 frames a second. Prints the share of
streams that ever alarm, promised is 1 %: on pictures as measured, and scaled so that their mean is the limit exactly.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from drift_alarm import ALPHA, scaled
from numpy.typing import NDArray

from fpm_edge_runtime import open_bundle
from fpm_edge_runtime.drift.betting import ChangeAlarm
from fpm_edge_runtime.drift.limits import drift_limits
from fpm_edge_runtime.drift.monitor import CAP

SPACINGS = (0.0, 10.0, 30.0, 60.0, 120.0)
SCENES = (10.0, 30.0, 60.0, 120.0)
# Seconds until a frame is drawn: 1 % of 10 frames a second.
WAITING = 10.0

Floats = NDArray[np.float64]


def alarms(pool: Floats, limit: float, streams: int, samples: int) -> Floats:
    """(spacings, scenes) the share of streams that ever alarm."""
    random = np.random.default_rng(0)
    shape = (len(SPACINGS), len(SCENES), streams)
    spacing, scene = np.reshape(SPACINGS, (-1, 1, 1)), np.reshape(SCENES, (1, -1, 1))
    alarm, most = ChangeAlarm(shape), np.ones(shape)
    values = pool[random.integers(len(pool), size=shape)]
    for _ in range(samples):
        passed = spacing + random.exponential(WAITING, shape)
        changed = random.random(shape) > np.exp(-passed / scene)
        values = np.where(changed, pool[random.integers(len(pool), size=shape)], values)
        np.maximum(most, alarm.update(values / limit), out=most)
    return np.asarray((most >= 1 / ALPHA).mean(axis=-1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("disagreements", type=Path)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=10_000)
    arguments = parser.parse_args()
    points = np.load(arguments.disagreements)["disagreements"][:, -1].astype(np.float64)
    pool = np.asarray(np.nanmean(np.minimum(points, CAP), axis=1))
    limit = drift_limits(open_bundle(arguments.bundle))[-1].value
    print(f"{arguments.streams} streams of {arguments.samples} samples; mean {pool.mean():.5f}, limit {limit:.5f}")
    for name, values in (("as measured", pool), ("at the limit", scaled(pool, limit))):
        print(f"\n| {name}: spacing_s | " + " | ".join(f"scenes of {scene:.0f} s" for scene in SCENES) + " |")
        print(f"|{'---|' * (1 + len(SCENES))}")
        for spacing, cells in zip(SPACINGS, alarms(values, limit, arguments.streams, arguments.samples), strict=True):
            print(f"| {spacing:.0f} | {' | '.join(f'{cell:.1%}' for cell in cells)} |", flush=True)


if __name__ == "__main__":
    main()
