"""What a measurement was made with: processor, system, versions."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fpm_edge.report.data import Environment

__all__ = ["describe_environment"]

_PACKAGES = ("fpm-edge", "ai-edge-litert", "onnxruntime", "openvino", "tflite-runtime", "numpy", "pillow", "tensorflow")
_CPU_INFO = Path("/proc/cpuinfo")


def describe_environment(threads: int, repeats: int) -> Environment:
    """The machine and packages at this moment, and the two settings of the measurement."""
    return Environment(
        cpu=cpu_model(_CPU_INFO.read_text("utf-8", "replace") if _CPU_INFO.is_file() else ""),
        logical_cpus=os.cpu_count() or 1,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        system=f"{platform.system()} {platform.release()} ({platform.machine()})",
        python=platform.python_version(),
        threads=threads,
        repeats=repeats,
        packages=_versions(),
    )


def cpu_model(cpu_info: str) -> str:
    """The processor's name from the text of /proc/cpuinfo, or what Python knows where that names none."""
    for key in ("model name", "Hardware", "Model"):
        for line in cpu_info.splitlines():
            name, _, value = line.partition(":")
            if name.strip() == key and value.strip():
                return value.strip()
    return platform.processor() or platform.machine() or "unknown"


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
