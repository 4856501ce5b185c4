"""Shared by the benchmarks: `fpm-edge` commands that are run once and resumed where they were stopped."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def fpm_edge(*arguments: str | Path) -> None:
    """Run the command line of this interpreter's installation, and say so."""
    command = [sys.executable, "-m", "fpm_edge", *map(str, arguments)]
    print("+", " ".join(command[1:]), flush=True)
    subprocess.run(command, check=True)


def train(folder: Path, *options: str | Path) -> None:
    """`fpm-edge train` into `folder`, unless that is done."""
    if not (folder / "card.md").exists():
        resume = ["--resume"] if (folder / "checkpoint.safetensors").exists() else []
        fpm_edge("train", *options, "-o", folder, *resume)


def shard(spec: str, folder: Path) -> Path:
    """The pictures of `spec` as shards in `folder`, made once."""
    if not (folder / "index.json").exists():
        fpm_edge("data", "shard", spec, "-o", folder)
    return folder
