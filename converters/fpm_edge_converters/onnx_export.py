"""The TFLite file as ONNX (opset 17, QDQ for int8), by way of tf2onnx, so that both formats hold the same numbers.

The codes between nodes are uint8, those of the heatmaps int8 (`onnx_codes.py` says why).

ONNX convolutions are channels-first. The maps between pieces stay so: the only Transpose left is the one after the
image.
"""

import logging
import os
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tf2onnx
from onnx import TensorProto, helper, numpy_helper

from fpm_edge_converters.onnx_codes import is_quantized, own_constants, unsigned_activations
from fpm_edge_converters.pieces import Cut
from fpm_edge_runtime.bundle.manifest import Piece, TensorSpec
from fpm_edge_runtime.errors import ConversionError

__all__ = ["IR_VERSION", "OPSET", "cut_onnx", "from_tflite", "name_by_position", "seal", "tensor_spec", "to_onnx"]

OPSET = 17
IR_VERSION = 8
_CATCH = "TF2ONNX_CATCH_ERRORS"

_TYPES = {TensorProto.UINT8: "uint8", TensorProto.INT8: "int8", TensorProto.FLOAT: "float32"}
_TO_CHANNELS_FIRST = [0, 3, 1, 2]
_TO_CHANNELS_LAST = [0, 2, 3, 1]
_ACTIVATIONS = {"Clip", "Relu"}


def to_onnx(tflite: bytes, *, stages: int, half_weights: bool = False) -> onnx.ModelProto:
    """Convert a whole TFLite file with the names that `tflite.to_tflite` gives.

    Args:
        tflite: file with input ``image`` and outputs ``heatmap_1..T``.
        stages: T.
        half_weights: store the weights as float16 (computing in float32), as TFLite's float16 files do.

    Returns:
        A model from ``image`` (1, height, width, 3) uint8 to ``heatmap_t`` (1, L + 1, rows, columns), shapes inferred.

    Raises:
        ConversionError: tf2onnx left a structure that this function does not know.
    """
    model = from_tflite(tflite)
    for stage in range(1, stages + 1):
        _channels_first_output(model.graph, f"heatmap_{stage}")
    for name in ("features", "context"):
        _name_after_activation(model.graph, name)
    _clip_once(model.graph)
    if half_weights:
        _halve_weights(model.graph)
    if is_quantized(model.graph):
        unsigned_activations(model.graph)
        own_constants(model.graph)
    _sort(model.graph)
    name_by_position(
        model.graph, stable={"image", "features", "context", *(f"heatmap_{t}" for t in range(1, stages + 1))}
    )
    return seal(model)


def cut_onnx(whole: onnx.ModelProto, cuts: tuple[Cut, ...]) -> dict[Piece, bytes]:
    """Cut a model at the same named tensors as its TFLite twin."""
    extractor = onnx.utils.Extractor(whole)
    pieces = {}
    for cut in cuts:
        part = extractor.extract_model(list(cut.inputs), list(cut.outputs))
        part.ir_version = IR_VERSION
        onnx.checker.check_model(part, full_check=True)
        piece = Piece(
            name=cut.name,
            member=f"{cut.member}.onnx",
            inputs=tuple(tensor_spec(whole.graph, name) for name in cut.inputs),
            outputs=tuple(tensor_spec(whole.graph, name) for name in cut.outputs),
        )
        pieces[piece] = part.SerializeToString(deterministic=True)
    return pieces


def from_tflite(tflite: bytes) -> onnx.ModelProto:
    """What tf2onnx makes of a TFLite file."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tf2onnx reads the file through a deprecated interpreter
        logging.getLogger("tf2onnx").setLevel(logging.ERROR)
        path = Path(folder) / "whole.tflite"
        path.write_bytes(tflite)
        # Otherwise it copies the whole graph before each of its many optimizations, to go on without one that fails.
        before = os.environ.get(_CATCH)
        os.environ[_CATCH] = "FALSE"
        try:
            model, _ = tf2onnx.convert.from_tflite(str(path), opset=OPSET)
        finally:
            del os.environ[_CATCH]
            if before is not None:
                os.environ[_CATCH] = before
    return model


def seal(model: onnx.ModelProto) -> onnx.ModelProto:
    """Versions, producer and the shapes of all tensors filled in, and the model checked."""
    # tf2onnx also imports ai.onnx.ml, which the graph does not use.
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", OPSET))
    model.ir_version = IR_VERSION
    for node in model.graph.node:
        # tf2onnx writes the default domain as "" or leaves it out, which are other bytes.
        if node.domain == "":
            node.ClearField("domain")
    model.producer_name, model.producer_version = "fpm-edge", ""
    model.doc_string = model.graph.doc_string = ""
    model.graph.name = "fpm"
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    onnx.checker.check_model(inferred, full_check=True)
    return inferred


def _channels_first_output(graph: Any, name: str) -> None:
    """Make the channels-first tensor behind output `name` the output, and drop the Transposes around it."""
    producer = next((node for node in graph.node if name in node.output), None)
    if producer is None or producer.op_type != "Transpose" or _perm(producer) != _TO_CHANNELS_LAST:
        raise ConversionError(f"ONNX output {name} does not end in a Transpose; this version of tf2onnx is not known")
    inner = producer.input[0]
    graph.node.remove(producer)
    for node in list(graph.node):
        if name in node.input:
            if node.op_type != "Transpose" or _perm(node) != _TO_CHANNELS_FIRST:
                raise ConversionError(f"ONNX node {node.op_type} reads {name} channels-last; expected a Transpose")
            _replace_input(graph, node.output[0], inner)
            graph.node.remove(node)
    _rename(graph, inner, name)
    output = next(value for value in graph.output if value.name == name)
    shape = [d.dim_value for d in output.type.tensor_type.shape.dim]
    new = helper.make_tensor_value_info(name, output.type.tensor_type.elem_type, [shape[i] for i in _TO_CHANNELS_FIRST])
    output.CopyFrom(new)


def _name_after_activation(graph: Any, name: str) -> None:
    """TFLite fuses the activation into the tensor; give the name to the tensor after it here as well."""
    readers = [node for node in graph.node if name in node.input]
    if len(readers) == 1 and readers[0].op_type in _ACTIVATIONS:
        after = readers[0].output[0]
        _rename(graph, name, f"{name}_linear")
        _rename(graph, after, name)


def _clip_once(graph: Any) -> None:
    """Make Relu, Min, Relu, which is what TFLite has for a clip to [0, c], one Clip, which engines fuse with a Conv."""
    constants = {initializer.name: initializer for initializer in graph.initializer}
    producers = {name: node for node in graph.node for name in node.output}
    readers = Counter(name for node in graph.node for name in node.input)
    readers.update(output.name for output in graph.output)
    for last in list(graph.node):
        least = producers.get(last.input[0]) if last.op_type == "Relu" else None
        if least is None or least.op_type != "Min" or len(least.input) != 2 or readers[least.output[0]] != 1:
            continue
        highest = next((name for name in least.input if name in constants), None)
        source = next((name for name in least.input if name not in constants), None)
        # Clip takes a single number. Below 0 it would give c everywhere, and the Relu 0.
        if highest is None or source is None or not _is_positive_number(constants[highest]):
            continue
        first = producers.get(source)
        gone = [least, last]
        if first is not None and first.op_type == "Relu" and readers[source] == 1:
            source = first.input[0]
            gone.append(first)
        lowest = f"{last.output[0]}_lowest"
        graph.initializer.append(numpy_helper.from_array(np.float32(0.0).reshape(()), lowest))
        scalar = f"{last.output[0]}_highest"
        number = numpy_helper.to_array(constants[highest]).reshape(())
        graph.initializer.append(numpy_helper.from_array(number, scalar))
        clip = helper.make_node("Clip", [source, lowest, scalar], [last.output[0]])
        graph.node.insert(list(graph.node).index(last), clip)
        for node in gone:
            graph.node.remove(node)


def _is_positive_number(constant: onnx.TensorProto) -> bool:
    array = numpy_helper.to_array(constant)
    return array.dtype == np.float32 and array.size == 1 and float(array.reshape(())) > 0.0


def _halve_weights(graph: Any) -> None:
    for initializer in list(graph.initializer):
        array = numpy_helper.to_array(initializer)
        if array.dtype != np.float32 or array.ndim == 0:
            continue
        name = initializer.name
        half = numpy_helper.from_array(array.astype(np.float16), f"{name}_half")
        graph.initializer.remove(initializer)
        graph.initializer.append(half)
        graph.node.append(helper.make_node("Cast", [half.name], [name], to=TensorProto.FLOAT))


def _sort(graph: Any) -> None:
    """Order nodes so that each comes after those it reads, and keep that order otherwise."""
    known = {value.name for value in (*graph.input, *graph.initializer)} | {""}
    waiting, ordered = list(graph.node), []
    while waiting:
        ready = [node for node in waiting if all(name in known for name in node.input)]
        if not ready:
            raise ConversionError("the ONNX graph has a node whose inputs nothing computes")
        for node in ready:
            known.update(node.output)
        ordered += ready
        done = {id(node) for node in ready}
        waiting = [node for node in waiting if id(node) not in done]
    copies = []
    for node in ordered:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copies.append(copy)
    del graph.node[:]
    graph.node.extend(copies)


def name_by_position(graph: Any, stable: set[str]) -> None:
    """Name everything but the stable tensors by its place, so that the same network always gives the same bytes.

    tf2onnx numbers names over the life of the process.
    """
    names: dict[str, str] = {"": ""} | {name: name for name in stable}
    constants = {initializer.name: initializer for initializer in graph.initializer}
    ordered: list[Any] = []
    for node in graph.node:
        for name in node.input:
            if name in constants and name not in names:
                names[name] = f"constant_{len(ordered)}"
                ordered.append(constants[name])
    for number, node in enumerate(graph.node):
        node.name = f"{node.op_type}_{number}"
        for index, name in enumerate(node.output):
            names.setdefault(name, f"{node.op_type}_{number}_{index}")
    copies = []
    for initializer in ordered:
        copy = onnx.TensorProto()
        copy.CopyFrom(initializer)
        copy.name = names[initializer.name]
        copies.append(copy)
    del graph.initializer[:]
    graph.initializer.extend(copies)
    del graph.value_info[:]
    for node in graph.node:
        node.input[:] = [names[name] for name in node.input]
        node.output[:] = [names[name] for name in node.output]
        # tf2onnx writes the default domain out or leaves it away, as the order of a set will have it.
        if not node.domain:
            node.ClearField("domain")


def _perm(node: Any) -> list[int]:
    return next(list(a.ints) for a in node.attribute if a.name == "perm")


def _rename(graph: Any, old: str, new: str) -> None:
    for node in graph.node:
        for index, output in enumerate(node.output):
            if output == old:
                node.output[index] = new
    _replace_input(graph, old, new)


def _replace_input(graph: Any, old: str, new: str) -> None:
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name == old:
                node.input[index] = new


def tensor_spec(graph: Any, name: str) -> TensorSpec:
    """A tensor as the manifest describes it. Raises ConversionError where there is none of that name."""
    values = (*graph.input, *graph.output, *graph.value_info)
    value = next((v for v in values if v.name == name), None)
    if value is None:
        raise ConversionError(f"the ONNX graph has no tensor named {name!r}")
    tensor = value.type.tensor_type
    scale, zero_point = _quantization(graph, name)
    return TensorSpec(
        name=name,
        dtype=_TYPES[tensor.elem_type],  # type: ignore[arg-type]
        shape=tuple(d.dim_value for d in tensor.shape.dim),
        layout="NHWC" if name == "image" else "NCHW",
        scale=scale,
        zero_point=zero_point,
    )


def _quantization(graph: Any, name: str) -> tuple[float | None, int | None]:
    """Scale and zero point of an integer tensor, from the node that dequantizes it, perhaps behind a Transpose."""
    constants = {initializer.name: initializer for initializer in graph.initializer}
    for node in graph.node:
        if node.op_type == "Transpose" and name in node.input:
            return _quantization(graph, node.output[0])
        produces = node.op_type == "QuantizeLinear" and name in node.output
        if produces or (node.op_type == "DequantizeLinear" and node.input[0] == name):
            scale, zero_point = (numpy_helper.to_array(constants[n]) for n in node.input[1:3])
            return float(scale), int(zero_point)
    return None, None
