"""Make a tiny three-piece network and write its pieces, once quantized and once in float, to a folder.

Run as a program, so that the tests' own process never imports TensorFlow: ``python _tiny_network.py FOLDER``.
Context and heatmaps end in a sigmoid, whose int8 scale is 1/256 by definition: so all pieces agree on every scale,
as they do in a bundle, where they are cut from one graph.
"""

import os

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import Builder

HEIGHT, WIDTH, STRIDE, LANDMARKS, CONTEXT = 32, 48, 8, 3, 4
MAPS = (1, HEIGHT // STRIDE, WIDTH // STRIDE, LANDMARKS + 1)
FEATURES = (*MAPS[:3], CONTEXT)
TOP = 255 / 256


def _normal(seed: int, *shape: int) -> tf.Tensor:
    return tf.constant(np.random.default_rng(seed).normal(0, 0.5, shape).astype(np.float32))


class Network(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.first_head = _normal(0, 8, 8, 3, 8), _normal(1, 1, 1, 8, LANDMARKS + 1)
        self.features = _normal(2, 8, 8, 3, CONTEXT)
        self.of_context, self.of_maps = _normal(3, 3, 3, CONTEXT, 4), _normal(4, 3, 3, LANDMARKS + 1, 4)

    def stage_1(self, image):
        hidden = tf.nn.relu(tf.nn.conv2d(image / 255 - 0.5, self.first, STRIDE, "SAME"))
        return {"heatmap_1": tf.sigmoid(tf.nn.conv2d(hidden, self.first_head, 1, "SAME"))}

    def context(self, image):
        return {"context": tf.sigmoid(tf.nn.conv2d(image / 255 - 0.5, self.features, STRIDE, "SAME"))}

    def stage_2(self, context, heatmap_1):
        both = tf.nn.conv2d(context, self.of_context, 1, "SAME") + tf.nn.conv2d(heatmap_1, self.of_maps, 1, "SAME")
        return {"heatmap_2": tf.sigmoid(both)}


PIECES = {
    "stage_1": {"image": ((1, HEIGHT, WIDTH, 3), 255.0)},
    "context": {"image": ((1, HEIGHT, WIDTH, 3), 255.0)},
    "stage_2": {"context": (FEATURES, TOP), "heatmap_1": (MAPS, TOP)},
}


def _samples(inputs):
    """Random inputs that reach both ends of their range, so that the converter finds exactly that range."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        sample = {}
        for name, (shape, top) in inputs.items():
            values = rng.uniform(0, top, shape).astype(np.float32)
            values.flat[0], values.flat[1] = 0.0, top
            sample[name] = values
        yield sample


def _quantized(network, piece) -> bytes:
    converter = _converter(network, piece)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: _samples(PIECES[piece])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8 if "image" in PIECES[piece] else tf.int8
    converter.inference_output_type = tf.int8
    return converter.convert()


def _converter(network, piece):
    specs = [tf.TensorSpec(shape, tf.float32, name=name) for name, (shape, _) in PIECES[piece].items()]
    function = tf.function(getattr(network, piece), input_signature=specs).get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([function], network)


def _renamed(model: bytes) -> bytes:
    """Give the tensors at the edges the names of the signature, and drop the signature."""
    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model))
    (signature,) = tree.signatureDefs
    for tensor in [*signature.inputs, *signature.outputs]:
        tree.subgraphs[0].tensors[tensor.tensorIndex].name = tensor.name
    tree.signatureDefs = []
    builder = Builder(len(model))
    builder.Finish(tree.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _onnx(network, piece, tflite: Path) -> bytes:
    import tf2onnx

    from fpm_edge_converters.onnx_codes import own_constants

    model, _ = tf2onnx.convert.from_tflite(str(tflite), opset=17)
    own_constants(model.graph)
    return model.SerializeToString()


def main(folder: Path) -> None:
    network = Network()
    for piece in PIECES:
        name = piece.removeprefix("stage_")
        signed = _quantized(network, piece)
        (folder / f"{name}.signature.tflite").write_bytes(signed)
        (folder / f"{name}.tflite").write_bytes(_renamed(signed))
        (folder / f"{name}.onnx").write_bytes(_onnx(network, piece, folder / f"{name}.tflite"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
