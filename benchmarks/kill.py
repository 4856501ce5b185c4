"""Kill a training 20 times with SIGKILL, resume it each time, and compare it with one that was never stopped.

    benchmarks/kill.py -o runs/kill [--kills 20]

Both runs are real `fpm-edge train` processes. The moments are drawn from a seed over the run's whole length, start-up,
checkpoint writing and end included. Prints the step that each resume began at; exits with 1 unless weights and
checkpoint are equal bit for bit.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

from safetensors.numpy import load_file

# Every few steps: kills come while one is written as well.
CONFIG = """
[model]
preset = "tiny"

[train]
epochs = 6
batch = 4
learning_rate = 2e-3
schedule = "cosine"
ema = 0.99
checkpoint_minutes = 0.001

[train.augmentation]

[data]
spec = "rendered:200@3/64"
"""


def command(config: Path, folder: Path) -> list[str]:
    """Train, or go on."""
    resume = ["--resume"] if (folder / "checkpoint.safetensors").exists() else []
    return [sys.executable, "-m", "fpm_edge", "train", "--config", str(config), "-o", str(folder), *resume]


def step_of(folder: Path) -> int:
    """Steps that the folder's checkpoint has seen."""
    checkpoint = folder / "checkpoint.safetensors"
    return int(load_file(checkpoint)["position"][2]) if checkpoint.exists() else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    output: Path = arguments.output
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    config = output / "run.toml"
    config.write_text(CONFIG)
    began = time.monotonic()
    subprocess.run(command(config, output / "whole"), check=True, stderr=subprocess.DEVNULL)
    length = time.monotonic() - began
    moments = random.Random(arguments.seed)
    killed = output / "killed"
    for kill in range(1, arguments.kills + 1):
        # Long enough that most runs get somewhere, short enough that many are killed before they end.
        wait = moments.uniform(0.3, 1.0) * length
        process = subprocess.Popen(command(config, killed), stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=wait)
            print(f"kill {kill}: after {wait:.2f} s, but the run had ended")
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            print(f"kill {kill}: after {wait:.2f} s, checkpoint at step {step_of(killed)}", flush=True)
    if not (killed / "card.md").exists():
        subprocess.run(command(config, killed), check=True, stderr=subprocess.DEVNULL)
    for name in ("checkpoint.safetensors", "weights.safetensors"):
        if (output / "whole" / name).read_bytes() != (killed / name).read_bytes():
            print(f"{name} differs")
            return 1
    print(f"bit-equal after {step_of(killed)} steps")
    return 0


if __name__ == "__main__":
    sys.exit(main())
