"""From a tf_keras network to TFLite and ONNX files, whole or cut into stages, checked (needs TensorFlow)."""

from fpm_edge_converters.bias import correct_biases, corrected_layers
from fpm_edge_converters.checks import check_same_landmarks
from fpm_edge_converters.export import Exported, export
from fpm_edge_converters.fake_quant import (
    assign_kernel_ranges,
    assign_ranges,
    fake_quantized,
    freeze_ranges,
    quantized_layers,
    recorded_ranges,
)
from fpm_edge_converters.observe import calibrated, input_batches, observe_ranges
from fpm_edge_converters.tflite import INTEGER, Precision
from fpm_edge_converters.unsigned_edges import Edges
from fpm_edge_converters.whole import check_whole

__all__ = [
    "INTEGER",
    "Edges",
    "Exported",
    "Precision",
    "assign_kernel_ranges",
    "assign_ranges",
    "calibrated",
    "check_same_landmarks",
    "check_whole",
    "correct_biases",
    "corrected_layers",
    "export",
    "fake_quantized",
    "freeze_ranges",
    "input_batches",
    "observe_ranges",
    "quantized_layers",
    "recorded_ranges",
]
