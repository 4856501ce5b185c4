"""What every peer's script is given and writes; needs numpy only, for it runs in the peers' own environments."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


def inputs(work: Path) -> NDArray[np.uint8]:
    """(pictures, height, width, 3) calibration inputs."""
    found: NDArray[np.uint8] = np.load(work / "calibration.npy")
    return found


def main(variants: dict[str, tuple[str, Callable[[Path, Path], None]]]) -> None:
    """Make every variant: name → (ending of the file, how). Arguments: the folder of the task, where to write.

    Beside NAME.ENDING stands NAME.json: the processor seconds it took, all threads and its own processes together, or
    what went wrong; and how many lines a user writes for it.
    """
    work, output = Path(sys.argv[1]), Path(sys.argv[2])
    for name, (ending, make) in variants.items():
        path = output / f"{name}.{ending}"
        notes: dict[str, Any] = {"file": path.name, "lines": _user_lines(make)}
        start = _busy()
        try:
            make(work, path)
        except subprocess.CalledProcessError as error:
            notes["error"] = f"{Path(error.cmd[0]).name} ended with code {error.returncode}; its log says why"
        except Exception as error:  # a peer's failure is a result
            notes["error"] = f"{type(error).__name__}: {error}"
        notes["seconds"] = _busy() - start
        (output / f"{name}.json").write_text(json.dumps(notes))


def _busy() -> float:
    """Processor seconds of this process and of those that it ran."""
    return sum(os.times()[:4])


def _user_lines(make: Callable[..., None]) -> int:
    """Lines between ``# user code`` and ``# end`` of a function, without empty ones and comments."""
    text = inspect.getsource(getattr(make, "func", make)).split("# user code")[1].split("# end")[0]
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in text.splitlines())
