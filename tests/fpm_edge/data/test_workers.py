"""How many processes draw or decode, on machines of any size."""

import pytest

from fpm_edge.data.workers import worker_count


@pytest.mark.parametrize(
    ("processors", "tasks", "expected"), [(2, 1000, 2), (8, 3, 3), (200, 1000, 61), (200, 0, 1), (64, 62, 61)]
)
def test_workers_are_as_many_as_help_and_the_system_bears(
    monkeypatch: pytest.MonkeyPatch, processors: int, tasks: int, expected: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(processors)), raising=False)
    assert worker_count(tasks) == expected


def test_as_many_as_a_process_pool_takes_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is Python's own, and it refuses more there."""
    from concurrent.futures import process

    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(500)), raising=False)
    assert worker_count(1000) == process._MAX_WINDOWS_WORKERS
