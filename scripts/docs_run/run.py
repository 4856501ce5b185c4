"""Types the commands of a page, in order, in a folder of its own."""

import os
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from docs_check.pages import ROOT

from docs_run.stand_ins import StandIns
from docs_run.steps import Step, steps_of

__all__ = ["Failure", "Runner"]

_LONGEST = 1800  # seconds for one block
_NOT_COPIED = shutil.ignore_patterns("node_modules", "__pycache__")
_SOURCES = (ROOT, ROOT / "runtime", ROOT / "converters", ROOT / "calibration")


@dataclass(frozen=True)
class Failure:
    """A block of which a command did not end as its page says.

    Attributes:
        page: relative to the project.
        step: the command.
        said: what the block printed to stdout and stderr, at most the last 4,000 characters.
    """

    page: str
    step: Step
    said: str

    def __str__(self) -> str:
        run = "" if self.step.run == self.step.written else f"\n  run as {self.step.run}"
        return f"{self.page}:{self.step.line}: {self.step.written}{run}\n  must end with {self.step.exit}\n{self.said}"


class Runner:
    """Folders, stand-ins and environment for the pages.

    Args:
        folder: an empty one; each page gets a folder in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        program = shlex.quote(sys.executable)
        for name, command in (("python", program), ("fpm-edge", f"{program} -m fpm_edge")):
            shim = bin_folder / name
            shim.write_text(f'#!/bin/sh\nexec {command} "$@"\n', "utf-8")
            shim.chmod(0o755)
        (folder / "fpm").mkdir()
        (folder / "fpm" / "bin").symlink_to(bin_folder)
        self._environment = os.environ | {
            # For `~/fpm/bin/fpm-edge`, and what is kept between runs.
            "HOME": str(folder),
            "XDG_CACHE_HOME": str(folder / "cache"),
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(map(str, _SOURCES)),
        }
        stand_ins = folder / "stand-ins"
        stand_ins.mkdir()
        self._stand_ins = StandIns(stand_ins, self._environment)

    def run(self, page: Path) -> list[Failure]:
        """Run a page; the first command of each block that did not end as it must."""
        name = page.relative_to(ROOT).as_posix()
        folder = self._folder / name.replace("/", "-")
        folder.mkdir()
        # An example's page is read in its folder, the others at the root. Copies: commands write beside them.
        if page.is_relative_to(ROOT / "examples"):
            shutil.copytree(page.parent, folder, dirs_exist_ok=True, ignore=_NOT_COPIED)
        shutil.copytree(ROOT / "examples", folder / "examples", dirs_exist_ok=True, ignore=_NOT_COPIED)
        failures = []
        for block, steps in groupby(
            (step for step in steps_of(page) if step.left_out is None), lambda step: step.block
        ):
            failure = self._run_block(name, block, list(steps), folder)
            if failure is not None:
                print(failure, flush=True)
                failures.append(failure)
        shutil.rmtree(folder)
        return failures

    def _run_block(self, page: str, block: int, steps: list[Step], folder: Path) -> Failure | None:
        try:
            put = self._stand_ins.put("\n".join(step.run for step in steps), folder)
        except RuntimeError as error:
            return Failure(page, steps[0], str(error))
        began = time.perf_counter()
        script = "set -uo pipefail\n" + "".join(_checked(number, step) for number, step in enumerate(steps))
        done = subprocess.run(
            ["timeout", str(_LONGEST), "bash", "-c", script],
            cwd=folder, env=self._environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        )  # fmt: skip
        seconds = time.perf_counter() - began
        print(
            f"{page}:{block}: {len(steps)} commands, {seconds:.0f} s, with {', '.join(put) or 'no stand-in'}",
            flush=True,
        )
        if done.returncode == 0:
            return None
        if done.returncode < _FIRST:
            return Failure(page, steps[0], f"{done.stdout[-4000:]}\nthe block is not done after {_LONGEST} s")
        return Failure(page, steps[done.returncode - _FIRST], done.stdout[-4000:])


# The script ends with this and the number of the command that failed.
_FIRST = 200


def _checked(number: int, step: Step) -> str:
    ends = f'echo "ended with $code"; exit {_FIRST + number}'
    return f"{step.run}\ncode=$?; if [ $code -ne {step.exit} ]; then {ends}; fi\n"
