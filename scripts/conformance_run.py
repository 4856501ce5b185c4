"""The conformance suite, by one client, from the scripts that run a runtime's tests."""

import subprocess
import sys
from pathlib import Path

from counted import Counts, of_pytest, told

__all__ = ["checked", "conformance"]

ROOT = Path(__file__).resolve().parent.parent


def conformance(client: str) -> Counts:
    """The quick part of the suite; `client` is the command, called in the project's folder."""
    suite = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "conformance/suite", "--client", client]
    ran = subprocess.run(suite, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    return checked(of_pytest(ran.stdout), ran, f"conformance, {client}")


def checked(counts: Counts, ran: subprocess.CompletedProcess[str], what: str) -> Counts:
    """The counts; where something went wrong, also what was printed."""
    if ran.returncode or not counts["passed"]:
        print(ran.stdout, flush=True)
    return told(counts, ran.returncode, what)
