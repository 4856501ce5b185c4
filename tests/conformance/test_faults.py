"""The conformance suite finds what is wrong with a client: each fault fails in the area that is about it.

Minutes: python -m pytest -m slow tests/conformance
"""

import re
import shlex
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CLIENT = Path(__file__).with_name("faulty_client.py")


def _faults() -> dict[str, str]:
    """Fault → area."""
    spec = spec_from_file_location("faulty_client", CLIENT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: area for name, (area, _) in module.FAULTS.items()}


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "area"), _faults().items())
def test_a_fault_is_found(fault: str, area: str) -> None:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"conformance/suite/test_{area}.py"]
    client = shlex.join([sys.executable, str(CLIENT), fault])
    done = subprocess.run([*command, "--client", client], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1, done.stdout
    counts = re.search(rf"^{area} +(\d+) +(\d+) ", done.stdout, re.MULTILINE)
    assert counts is not None, done.stdout
    assert int(counts[2]) > 0
    print(f"{fault}: {counts[2]} of {int(counts[1]) + int(counts[2])} failed")
