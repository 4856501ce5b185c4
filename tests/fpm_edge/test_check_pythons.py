"""`make pythons` finds Pythons that start, and uses every extra that it can."""

import os
import sys
from pathlib import Path

import pytest
from check_pythons import EXTRAS, PYTHONS, USES, interpreter


def test_a_python_that_does_not_start_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some version managers put a program on the path for each version, which says that it is not installed."""
    here = f"3.{sys.version_info.minor}"
    other = next(version for version in PYTHONS if version != here)
    for version, does in ((other, "exit 127"), (here, f'exec {sys.executable} "$@"')):
        (tmp_path / f"python{version}").write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / f"python{version}").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin:/bin")
    assert interpreter(other) is None
    assert interpreter(here) == str(tmp_path / f"python{here}")


def test_every_extra_that_needs_no_tensorflow_is_used() -> None:
    assert set(USES) == set(EXTRAS)
    assert {"toolkit", "dev"}.isdisjoint(EXTRAS)
