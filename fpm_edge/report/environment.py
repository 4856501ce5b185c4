"""What a measurement was made with: processor, system, versions."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from fpm_edge.report.data import Environment
from fpm_edge_runtime.device import processor_model

__all__ = ["describe_environment"]

_PACKAGES = ("fpm-edge", "ai-edge-litert", "onnxruntime", "openvino", "tflite-runtime", "numpy", "pillow", "tensorflow")


def describe_environment(threads: int, repeats: int) -> Environment:
    """The machine and packages at this moment, and the two settings of the measurement."""
    return Environment(
        cpu=processor_model(),
        logical_cpus=os.cpu_count() or 1,
        load=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        system=f"{platform.system()} {platform.release()} ({platform.machine()})",
        python=platform.python_version(),
        threads=threads,
        repeats=repeats,
        packages=_versions(),
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
