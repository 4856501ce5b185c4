"""Shared by the benchmarks: a model, pictures to work with, and others to measure on."""

from __future__ import annotations

import argparse
from pathlib import Path

from fpm_edge.data import Dataset, load_dataset, split_dataset


def add_options(parser: argparse.ArgumentParser) -> None:
    """The model, ``--data``, and ``--test`` or ``--holdout``."""
    parser.add_argument("model", type=Path, help="folder of a float model, or the name of the shipped one")
    parser.add_argument("--data", required=True, help="pictures to train on and to calibrate with")
    parser.add_argument("--test", help="pictures to measure on")
    parser.add_argument("--holdout", type=int, help="measure on so many photographs of --data, and leave them out")


def load(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> tuple[Dataset, Dataset]:
    """Pictures to work with, and pictures to measure on."""
    if (arguments.test is None) == (arguments.holdout is None):
        parser.error("give --test or --holdout")
    data = load_dataset(arguments.data)
    if arguments.holdout is None:
        return data, load_dataset(arguments.test)
    return split_dataset(data, arguments.holdout, 0)
