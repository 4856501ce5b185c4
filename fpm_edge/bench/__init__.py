"""Latency of bundles on this device, measured as MLPerf Mobile's single stream does.

Needs no TensorFlow: the extra ``cli`` is enough. `bench` measures; `write_bench` and `read_bench` are its file.
"""

from fpm_edge.bench.data import Bench
from fpm_edge.bench.file import read_bench, write_bench
from fpm_edge.bench.frames import Frames, read_frames, synthetic_frames
from fpm_edge.bench.measure import bench
from fpm_edge.bench.settings import Settings

__all__ = ["Bench", "Frames", "Settings", "bench", "read_bench", "read_frames", "synthetic_frames", "write_bench"]
