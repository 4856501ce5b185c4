"""A tf_keras network as one TFLite file with stable tensor names and a uint8 image as input."""

from tempfile import gettempdir
from typing import Any

import tensorflow as tf
import tf_keras
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.int16x8 import to_int16x8
from fpm_edge_runtime.bundle.manifest import Precision
from fpm_edge_runtime.errors import ConversionError

__all__ = ["INTEGER", "Precision", "to_tflite"]

INTEGER: tuple[Precision, ...] = ("int8", "int16x8")
"""The precisions whose tensors all are integers, with ranges from calibration or QAT."""

# One code of a uint8 pixel in the network's input range [0, 1].
_PIXEL = 1.0 / 255.0


def to_tflite(model: tf_keras.Model, precision: Precision) -> FlatGraph:
    """Convert to TFLite, batch 1.

    Args:
        model: from ``image`` float32 in [0, 1] to ``heatmap_1..T``; for `INTEGER`, one with quantizers
            (`fake_quant.fake_quantized`) whose ranges are set.
        precision: of weights and activations; float16 stores weights so and computes in float32; dynamic-range stores
            the kernels of 1024 weights and more as int8, and gives float activations a range at each run.

    Returns:
        A graph whose input is ``image`` (1, height, width, 3) uint8, with the scaling by 1/255 folded in, whose
        outputs are ``heatmap_1..T``, and whose tensors ``features`` and ``context`` carry those names where they exist.

    Raises:
        ConversionError: TensorFlow could not write its temporary files.
    """
    named = _named_tensors(model)
    # The name is part of every inner tensor's; Keras would number it over the life of the process.
    network = tf_keras.Model(model.input, named, name="fpm")
    _, height, width, channels = model.input.shape

    shape = (1, height, width, channels)
    quantized = precision in INTEGER

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=[tf.TensorSpec(shape, tf.float32 if quantized else tf.uint8, name="image")], autograph=False
    )
    def infer(image: Any) -> Any:
        pixels = image if quantized else tf.cast(image, tf.float32) * _PIXEL
        return network(pixels, training=False)

    converter = tf.lite.TFLiteConverter.from_concrete_functions([_constant(infer.get_concrete_function())], tf.Module())
    if quantized:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.inference_input_type = tf.uint8
        converter.inference_output_type = tf.int8
    elif precision == "float16":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    elif precision == "dynamic-range":
        # Without a calibrator, this is what the converter does by default.
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    # What it would add is not kept, and to add it, all is read and written once more in plain Python.
    converter.exclude_conversion_metadata = True
    raw = FlatGraph(converter.convert())

    outputs = raw.signature_outputs()
    if not outputs:
        # Its converter then goes on without a word, and without names.
        raise ConversionError(
            f"TensorFlow could not write its temporary files in {gettempdir()}; free space there, or set TMPDIR to a "
            "folder that it can write into"
        )
    raw.rename({index: name for name, index in outputs.items()} | {raw.inputs[0]: "image"})
    stages = len(model.outputs)
    if precision == "int16x8":
        to_int16x8(raw)
    return FlatGraph(raw.cut(raw.inputs, [outputs[f"heatmap_{t}"] for t in range(1, stages + 1)]))


def _constant(function: Any) -> Any:
    """The same function of an image with its variables as constants, each node by its name.

    The converter writes what it is given to disk and reads it back, which for hundreds of variables takes longer than
    all else that it does.
    """
    frozen = convert_variables_to_constants_v2(function)
    graph, outputs = frozen.graph.as_graph_def(), [tensor.name for tensor in frozen.outputs]
    (image_input,) = frozen.inputs
    names = sorted(function.structured_outputs)

    @tf.function(  # type: ignore[untyped-decorator]
        input_signature=[tf.TensorSpec(image_input.shape, image_input.dtype, name="image")], autograph=False
    )
    def constant(image: Any) -> Any:
        inputs = {image_input.name: image}
        found = tf.graph_util.import_graph_def(graph, input_map=inputs, return_elements=outputs, name="")
        return dict(zip(names, found, strict=True))

    return constant.get_concrete_function()


def _named_tensors(model: tf_keras.Model) -> dict[str, Any]:
    names = {layer.name for layer in model.layers}
    tensors = {f"heatmap_{t}": tensor for t, tensor in enumerate(model.outputs, start=1)}
    for name in ("features", "context"):
        for candidate in (f"quant_{name}", name):
            if candidate in names:
                tensors[name] = model.get_layer(candidate).output
                break
    return tensors
