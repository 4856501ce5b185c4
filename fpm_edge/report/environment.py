"""What a measurement was made with: processor, system, versions."""

import os
import platform

from fpm_edge.bench.machine import load_average, package_versions
from fpm_edge.report.data import Environment
from fpm_edge_runtime.check.device import processor_model

__all__ = ["describe_environment"]


def describe_environment(threads: int, repeats: int) -> Environment:
    """The machine and packages at this moment, and the two settings of the measurement."""
    return Environment(
        cpu=processor_model(),
        logical_cpus=os.cpu_count() or 1,
        load=load_average(),
        system=f"{platform.system()} {platform.release()} ({platform.machine()})",
        python=platform.python_version(),
        threads=threads,
        repeats=repeats,
        packages=package_versions(),
    )
