"""Kill trainings with SIGKILL at random moments, resume them each time, and compare with ones that were never stopped.

    benchmarks/kill.py -o runs/kill [--kills 20]

All runs are real `fpm-edge train` processes that write a checkpoint every few steps. The moments are drawn from a seed:
some fall into the start of the process, some into a step, some into the writing of a checkpoint. Prints the step of
the checkpoint after each kill; exits with 1 unless, for every network, weights and checkpoint are equal byte for byte.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load_file

# What has state of its own: averaged weights and batch normalisation; dropout and the loss scale of float16.
RUNS = {
    "tiny": """
[model]
preset = "tiny"

[train]
epochs = 12
batch = 4
learning_rate = 2e-3
schedule = "cosine"
ema = 0.99
checkpoint_minutes = 0.001

[train.augmentation]

[data]
spec = "rendered:200@3/64"
""",
    "fashionnet": """
[model]
preset = "fashionnet"
width = 0.0625
input_size = [64, 64]

[train]
epochs = 8
batch = 4
micro_batch = 2
learning_rate = 1e-3
precision = "mixed_float16"
checkpoint_minutes = 0.001

[train.augmentation]

[data]
spec = "rendered:200@3/64"
""",
}


def command(config: Path, folder: Path) -> list[str]:
    """Train, or go on."""
    resume = ["--resume"] if (folder / "checkpoint.safetensors").exists() else []
    return [sys.executable, "-m", "fpm_edge", "train", "--config", str(config), "-o", str(folder), *resume]


def step_of(folder: Path) -> int:
    """Steps that the folder's checkpoint has seen; −1 for none. A damaged one would end the benchmark."""
    checkpoint = folder / "checkpoint.safetensors"
    try:
        return int(load_file(checkpoint)["position"][2]) if checkpoint.exists() else -1
    except SafetensorError as error:
        sys.exit(f"{checkpoint} is damaged after a kill: {error}")


def never_stopped(config: Path, folder: Path) -> tuple[float, float]:
    """Train to the end; seconds until the first step was done, and until the end."""
    began = time.monotonic()
    process = subprocess.Popen(command(config, folder), stderr=subprocess.DEVNULL)
    while step_of(folder) < 1 and process.poll() is None:
        time.sleep(0.05)
    first = time.monotonic() - began
    if process.wait():
        sys.exit(f"{folder}: the run that was to end by itself failed")
    return first, time.monotonic() - began


def killed_often(config: Path, folder: Path, kills: int, start: float, length: float, moments: random.Random) -> None:
    """Kill and resume one run `kills` times, then let it end."""
    for kill in range(1, kills + 1):
        # So far into the training each time that all the kills fit into it.
        wait = moments.uniform(0.5 * start, start + 0.8 * (length - start) / kills)
        process = subprocess.Popen(command(config, folder), stderr=subprocess.DEVNULL)
        try:
            process.wait(timeout=wait)
            sys.exit(f"{folder}: the run ended before kill {kill}; give it more epochs")
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        print(f"{folder.name}: kill {kill} after {wait:.2f} s, checkpoint of step {step_of(folder)}", flush=True)
    subprocess.run(command(config, folder), check=True, stderr=subprocess.DEVNULL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=20, help="of each network")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    output: Path = arguments.output
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    moments = random.Random(arguments.seed)
    differs = False
    for name, text in RUNS.items():
        config = output / f"{name}.toml"
        config.write_text(text)
        whole, killed = output / f"{name}-whole", output / f"{name}-killed"
        start, length = never_stopped(config, whole)
        killed_often(config, killed, arguments.kills, start, length, moments)
        for file in ("checkpoint.safetensors", "weights.safetensors"):
            equal = (whole / file).read_bytes() == (killed / file).read_bytes()
            differs = differs or not equal
            print(f"{name}: {file} {'equal byte for byte' if equal else 'DIFFERS'}, {step_of(killed)} steps")
    return int(differs)


if __name__ == "__main__":
    sys.exit(main())
