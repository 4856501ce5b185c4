"""How many processes or threads share a job."""

from fpm_edge_runtime.check.device import usable_processors

__all__ = ["worker_count"]

# Windows lets a process wait for 63 others at most, of which a ProcessPoolExecutor needs two; elsewhere, more would
# only take memory, and file handles, of which a process often has no more than 1024.
_MOST = 61


def worker_count(tasks: int) -> int:
    """One for each processor that this process may use, but no more than tasks, nor than the system bears."""
    return max(1, min(usable_processors(), tasks, _MOST))
