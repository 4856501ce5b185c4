"""Latency of bundles on this device, measured as MLPerf Mobile's single stream does.

Needs no TensorFlow: the extra ``cli`` is enough.
"""

from fpm_edge.bench.data import Bench, read_bench, write_bench

__all__ = ["Bench", "read_bench", "write_bench"]
