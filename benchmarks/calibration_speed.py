"""How long calibration takes, and how much memory, by estimator and number of pictures.

    benchmarks/calibration_speed.py lite-m --data rendered:1000@5/192

Every measurement runs in a process of its own: reads the pictures, lets the float network see them, and sets the
ranges, as `fpm-edge convert --int8` does. Prints a Markdown table: seconds of reading with observing, and the largest
resident memory beyond that of the smallest number of pictures.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SIZES = (100, 1000)


def measure(model: Path, data: str, estimator: str, samples: int) -> tuple[float, float]:
    """Seconds, and peak MB of this process."""
    from fpm_edge.convert.inputs import network_inputs
    from fpm_edge.convert.quantized import load_any
    from fpm_edge.convert.sampling import calibration_samples
    from fpm_edge.data import load_dataset
    from fpm_edge.shipped import model_folder
    from fpm_edge_calibration import ESTIMATORS
    from fpm_edge_converters import calibrated

    loaded = load_any(model_folder(model))
    dataset = load_dataset(data)
    chosen = calibration_samples(dataset, samples, "stratified", 0, loaded.config, loaded.network)
    start = time.perf_counter()
    inputs = network_inputs(dataset, chosen, loaded.config)
    calibrated(loaded.network, inputs, ESTIMATORS[estimator]())
    return time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="folder of a float model, or the name of the shipped one")
    parser.add_argument("--data", required=True, help=f"at least {max(SIZES)} pictures")
    parser.add_argument("--estimators", default="min-max,mse")
    parser.add_argument("--one", nargs=2, metavar=("ESTIMATOR", "SAMPLES"), help="measure this, and print two numbers")
    arguments = parser.parse_args()
    if arguments.one:
        print(*measure(arguments.model, arguments.data, arguments.one[0], int(arguments.one[1])))
        return
    print(
        "| estimator | pictures | seconds | pictures a second | MB more than with the fewest |\n|---|---|---|---|---|"
    )
    for estimator in arguments.estimators.split(","):
        fewest = None
        for samples in SIZES:
            command = [sys.executable, *sys.argv, "--one", estimator, str(samples)]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            seconds, memory = map(float, output.split()[-2:])
            fewest = memory if fewest is None else fewest
            cells = (estimator, samples, f"{seconds:.1f}", f"{samples / seconds:.0f}", f"{memory - fewest:.0f}")
            print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    main()
