"""The mean of the weights of trained models that began alike: often better than each (Wortsman et al. 2022).

    benchmarks/average.py OUT/lite-m-5 OUT/lite-m-6 -o OUT/lite-m

Batch normalisation's statistics are averaged too. The models must be of one configuration; the result is to be measured
like any other.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from fpm_edge.model.store import assign_weights, load_network, named_weights, save_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    loaded = [load_network(folder) for folder in options.models]
    config, network = loaded[0]
    if any(other != config for other, _ in loaded):
        parser.error("the models have different configurations")
    arrays = [named_weights(model) for _, model in loaded]
    mean = {name: np.mean([each[name] for each in arrays], axis=0, dtype=np.float32) for name in arrays[0]}
    assign_weights(network, mean, "the mean")
    save_model(options.output, config, network)


if __name__ == "__main__":
    main()
