"""The machine and the packages that something is measured with."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fpm_edge.bench.data import Device, Environment
from fpm_edge_runtime.check.device import processor_model, usable_processors

__all__ = ["describe_device", "describe_environment", "load_average", "package_versions"]

_PACKAGES = ("fpm-edge", "ai-edge-litert", "onnxruntime", "openvino", "tflite-runtime", "numpy", "pillow", "tensorflow")


def describe_device(name: str | None = None, root: Path = Path("/")) -> Device:
    """This machine at this moment.

    Args:
        name: what to call it; None for the board's or the processor's model and the number of processors.
        root: where ``proc`` and ``sys`` are.
    """
    processors = os.cpu_count() or 1
    cpu = processor_model()
    # Boards with a device tree name themselves, ended by a zero byte.
    board = _text(root / "proc/device-tree/model").rstrip("\0").strip()
    return Device(
        name=name or f"{board or cpu}, {processors} processor{'s' * (processors > 1)}",
        cpu=cpu,
        processors=processors,
        usable_processors=usable_processors(),
        governors=_governors(root),
        system=f"{platform.system()} {platform.release()}",
        machine=platform.machine(),
        memory_mb=_memory_mb(root),
        load=load_average(),
    )


def describe_environment() -> Environment:
    """Python and the packages that are installed here."""
    return Environment(platform.python_version(), package_versions())


def package_versions() -> dict[str, str]:
    """Of those that matter for accuracy or speed, name → version."""
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def load_average() -> float | None:
    """Of one minute; None where the system has none to tell, as on Windows and Android."""
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):
        return None


def _governors(root: Path) -> tuple[str, ...]:
    folder = root / "sys/devices/system/cpu"
    found = {_text(path).strip() for path in folder.glob("cpu[0-9]*/cpufreq/scaling_governor")}
    return tuple(sorted(found - {""}))


def _memory_mb(root: Path) -> float | None:
    for line in _text(root / "proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        if name == "MemTotal":
            return int(value.split()[0]) * 1024 / 1e6
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (AttributeError, OSError, ValueError):
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:  # it is not there, or not for everybody, as on Android
        return ""
