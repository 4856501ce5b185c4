"""This device, as far as it decides how fast an engine is."""

import os
import platform
from pathlib import Path

import msgspec

from fpm_edge_runtime.stages.session import MOST_THREADS

__all__ = [
    "Device",
    "processor_model",
    "system_build",
    "this_device",
    "thread_words",
    "usable_processors",
    "usual_threads",
]

_CPU_INFO = Path("/proc/cpuinfo")


class Device(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a measured time holds for.

    Attributes:
        system: operating system and its build.
        machine: such as ``x86_64``.
        processor: its model, as far as the system tells.
        processors: how many of them this process may use.
    """

    system: str
    machine: str
    processor: str
    processors: int


def this_device() -> Device:
    """The device that this process runs on."""
    return Device(system_build(), platform.machine(), processor_model(), usable_processors())


def system_build() -> str:
    """The operating system with its version and build."""
    return f"{platform.platform()} {platform.version()}"


def processor_model(cpu_info: str | None = None) -> str:
    """The processor's name.

    Args:
        cpu_info: text like that of ``/proc/cpuinfo``; None for this system's, if it has one. Where it names no model
            (most 64-bit ARM systems), the distinct ``CPU part`` numbers stand for it; without them, what Python knows.
    """
    if cpu_info is None:
        cpu_info = _CPU_INFO.read_text("utf-8", "replace") if _CPU_INFO.is_file() else ""
    found: dict[str, list[str]] = {}
    for line in cpu_info.splitlines():
        name, _, value = line.partition(":")
        if value.strip():
            found.setdefault(name.strip(), []).append(value.strip())
    for key in ("model name", "Hardware", "Model"):
        if key in found:
            return found[key][0]
    if "CPU part" in found:
        return f"CPU part {', '.join(dict.fromkeys(found['CPU part']))}"
    return platform.processor() or platform.machine() or "unknown"


def usable_processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usual_threads() -> tuple[int, ...]:
    """1, 2, 4, … up to the processors that this process may use, or to the most threads that an engine takes."""
    usable = min(usable_processors(), MOST_THREADS)
    return tuple(2**power for power in range(usable.bit_length()) if 2**power <= usable)


def thread_words(count: int) -> str:
    """Such as ``2 threads``."""
    return "1 thread" if count == 1 else f"{count} threads"
