"""A bundle with any damage is refused, in bounded memory.

The slow part, 100,000 mutants and every change of one byte: python -m pytest -m slow tests/hostile
A million: python -m pytest -m slow tests/hostile --mutants 1000000, or benchmarks/hostile.py, which also counts them.
"""

import sys
import tracemalloc
from collections.abc import Iterator

import numpy as np
import pytest
from mutants import changes, cuts, judge, judge_all, mutants, sealed_mutants, tally
from small_bundle import PUBLIC, signed_bundle

from fpm_edge_runtime import open_bundle

QUICK = 2000
# Bytes, for one mutant of 3.5 kB. As for the attacks: a text chunk of its picture may take a megabyte.
MEMORY = 16 * 2**20


@pytest.fixture(scope="module")
def content() -> bytes:
    return signed_bundle()


@pytest.fixture
def bounded() -> Iterator[None]:
    """The process may grow, but not by what a damaged size could ask for: a member may claim 512 MiB."""
    if sys.platform != "linux":
        pytest.skip("only Linux tells the largest size of a process in a known unit")
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 128 * 2**10  # KiB


def test_undamaged(content: bytes) -> None:
    open_bundle(content).check()
    open_bundle(content, [PUBLIC]).check()
    assert judge(content, trusted=False) == judge(content, trusted=True) == "ACCEPTED"


def test_every_byte(content: bytes) -> None:
    """At each place one other byte; every other byte is in the slow part."""
    for place, byte in enumerate(content):
        other = byte ^ int(np.random.default_rng(place).integers(1, 256))
        mutant = content[:place] + bytes([other]) + content[place + 1 :]
        assert judge(mutant, trusted=False) == "refused", (place, other)


def test_every_truncation(content: bytes) -> None:
    assert judge_all(cuts(content)) == {"refused": 2 * len(content)}


def test_random_mutants() -> None:
    assert tally(QUICK) == {"refused": QUICK}


def test_mutants_take_bounded_memory(content: bytes) -> None:
    largest = 0
    tracemalloc.start()
    try:
        for make, trusted in ((mutants, False), (sealed_mutants, True)):
            for mutant in make(content, 7, 300):
                tracemalloc.reset_peak()
                held = tracemalloc.get_traced_memory()[0]
                assert judge(mutant, trusted) == "refused"
                largest = max(largest, tracemalloc.get_traced_memory()[1] - held)
    finally:
        tracemalloc.stop()
    assert 0 < largest < MEMORY


@pytest.mark.slow
def test_every_change_of_one_byte(content: bytes, bounded: None) -> None:
    assert judge_all(changes(content)) == {"refused": 255 * len(content)}
    assert judge_all(cuts(content)) == {"refused": 2 * len(content)}


@pytest.mark.slow
def test_many_random_mutants(request: pytest.FixtureRequest, bounded: None) -> None:
    count: int = request.config.getoption("mutants", 100_000)
    assert tally(count, first_seed=QUICK) == {"refused": count}
