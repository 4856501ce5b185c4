"""A bundle with any damage is refused.

Everything, and more mutants than the usual 2,000: FPM_EDGE_MUTANTS=100000 python -m pytest tests/hostile
A million: benchmarks/hostile.py.
"""

import os

import numpy as np
import pytest
from mutants import judge, tally
from small_bundle import PUBLIC, signed_bundle

from fpm_edge_runtime import open_bundle

MUTANTS = int(os.environ.get("FPM_EDGE_MUTANTS", "2000"))
ALL = MUTANTS > 2000


@pytest.fixture(scope="module")
def content() -> bytes:
    return signed_bundle()


def test_undamaged(content: bytes) -> None:
    open_bundle(content).check()
    open_bundle(content, [PUBLIC]).check()
    assert judge(content, trusted=False) == judge(content, trusted=True) == "ACCEPTED"


def test_every_byte(content: bytes) -> None:
    """At each place one other byte; in the slow part, every other byte."""
    for place, byte in enumerate(content):
        others = set(range(256)) - {byte} if ALL else {byte ^ int(np.random.default_rng(place).integers(1, 256))}
        for other in others:
            mutant = content[:place] + bytes([other]) + content[place + 1 :]
            assert judge(mutant, trusted=False) == "refused", (place, other)


def test_every_truncation(content: bytes) -> None:
    for length in range(len(content)):
        assert judge(content[:length], trusted=False) == "refused", length
        assert judge(content[length + 1 :], trusted=False) == "refused", length


def test_random_mutants() -> None:
    assert tally(MUTANTS) == {"refused": MUTANTS}
