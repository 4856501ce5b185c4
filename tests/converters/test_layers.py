"""Graph and network walked side by side."""

from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from fpm_edge.model import preset
from fpm_edge.model.folding import fold_batch_norm
from fpm_edge.model.network import build_model
from fpm_edge_converters.flatgraph import FlatGraph
from fpm_edge_converters.layers import match_layers
from fpm_edge_converters.pieces import cut_tflite, plan_cuts
from fpm_edge_converters.tflite import to_tflite
from fpm_edge_runtime.errors import ConversionError


def test_every_operator_but_the_images_is_a_layer(network: Any, int8_tflite: bytes) -> None:
    graph = FlatGraph(int8_tflite)
    found = match_layers(graph, network)
    assert [graph.operators[layer.operator].kind for layer in found] == [op.kind for op in graph.operators[1:]]
    assert [layer.operator for layer in found] == list(range(1, len(graph.operators)))
    named = {layer.name: layer for layer in found}
    assert named["stem_1_relu"].inputs == ("image",)
    assert named["heatmap_2"].layers == ("stage_2_head", "heatmap_2")
    assert named["stage_3_join_relu"].kind == "ADD"
    assert named["stage_3_join_relu"].inputs == ("context", "stage_3_conv_h")


def test_float_tensors_are_the_layers_outputs(network: Any, float32_tflite: bytes, inputs: list[Any]) -> None:
    """Not only the names: what stands in the tensor is what the layer gives."""
    found = match_layers(FlatGraph(float32_tflite), network)
    interpreter = Interpreter(
        model_content=float32_tflite,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], inputs[0][np.newaxis])
    interpreter.invoke()
    taps = type(network)(network.input, {layer.name: network.get_layer(layer.name).output for layer in found})
    expected = taps(inputs[0][np.newaxis].astype(np.float32) / 255)
    for layer in found:
        value = interpreter.get_tensor(layer.tensor)
        np.testing.assert_allclose(value, expected[layer.name].numpy(), atol=2e-4, err_msg=layer.name)


def test_the_layers_of_the_pieces_are_those_of_the_whole(network: Any, int8_tflite: bytes) -> None:
    graph = FlatGraph(int8_tflite)
    pieces = cut_tflite(graph, plan_cuts(graph, 3)).values()
    found = [layer.name for data in pieces for layer in match_layers(FlatGraph(data), network)]
    assert sorted(found) == sorted(layer.name for layer in match_layers(graph, network))


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_network_that_pools_and_shares_nothing(schema24: Any, precision: Any) -> None:
    config = preset("paper", schema24, width=0.0625, input_size=(32, 32), stages=3)
    _, model = fold_batch_norm(config, build_model(config))
    found = match_layers(to_tflite(model, precision), model)
    names = {layer.name for layer in found}
    assert {"context_3_pool", "stage_2_conv_x", "stage_3_conv_x", "heatmap_3", "stage_2_join_relu"} <= names
    assert sum(layer.kind == "MAX_POOL_2D" for layer in found) == 6


def test_operands_that_changed_places(network: Any, int8_tflite: bytes) -> None:
    graph = FlatGraph(int8_tflite)
    for op in graph._graph.operators:
        if len(op.inputs) == 2:
            op.inputs = op.inputs[::-1].copy()
    found = {layer.name: layer for layer in match_layers(graph, network)}
    assert found["stage_2_join_relu"].inputs == ("stage_2_conv_h", "context")


def test_another_network_is_refused(schema24: Any, network: Any, int8_tflite: bytes) -> None:
    config = preset("lite", schema24, input_size=(64, 64))
    _, other = fold_batch_norm(config, build_model(config))
    with pytest.raises(ConversionError, match=r"is not the output of layer .*; give the model that it was made from"):
        match_layers(FlatGraph(int8_tflite), other)
    graph = FlatGraph(int8_tflite)
    graph.rename({graph.find("heatmap_2"): "x", graph.find("heatmap_1"): "heatmap_2"})
    graph.rename({graph.find("x"): "heatmap_1"})
    with pytest.raises(ConversionError, match="is not the output of layer"):
        match_layers(graph, network)
