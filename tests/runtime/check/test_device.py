"""What this device is called, and how many threads are tried on it."""

import pytest

from fpm_edge_runtime.check.device import processor_model, this_device, usable_processors, usual_threads
from fpm_edge_runtime.stages.session import MOST_THREADS

X86 = "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Fast CPU @ 2.0GHz\n\nprocessor\t: 1\nmodel name\t: Slow CPU\n"
BOARD = "processor\t: 0\nCPU part\t: 0xd08\n\nHardware\t: BCM2835\nModel\t\t: A board\n"
ARM = "processor\t: 0\nCPU part\t: 0xd05\n\nprocessor\t: 1\nCPU part\t: 0xd05\n\nprocessor\t: 2\nCPU part\t: 0xd0b\n"


def test_the_processors_name() -> None:
    assert processor_model(X86) == "Fast CPU @ 2.0GHz"
    assert processor_model(BOARD) == "BCM2835"
    assert processor_model(ARM) == "CPU part 0xd05, 0xd0b"
    assert processor_model("model name\t:\n") == processor_model("") != ""


def test_this_device() -> None:
    device = this_device()
    assert device == this_device()
    assert device.processors == usable_processors() >= 1
    assert all((device.system, device.machine, device.processor))


def test_threads_that_are_tried() -> None:
    counts = usual_threads()
    assert counts[0] == 1
    assert counts == tuple(2**power for power in range(len(counts)))
    assert counts[-1] <= usable_processors() < 2 * counts[-1]


@pytest.mark.parametrize("processors", [257, 512, 1000])
def test_no_more_threads_are_tried_than_a_session_takes(monkeypatch: pytest.MonkeyPatch, processors: int) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(processors)), raising=False)
    assert usual_threads()[-1] == MOST_THREADS
