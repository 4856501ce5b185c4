"""A picture of any size in, its landmarks out, as one ONNX file: letterbox, network, decoder, back to the picture."""

from typing import Any

import onnx
from onnx import compose, parser

from fpm_edge_converters.decoder import HEATMAPS, LANDMARKS, decoder_tflite, stride_of
from fpm_edge_converters.onnx_export import IR_VERSION, OPSET, from_tflite, name_by_position, seal, tensor_spec
from fpm_edge_runtime.bundle.manifest import TensorSpec

__all__ = ["decoder_onnx", "letterbox_onnx", "whole_onnx"]

_HEADER = f'<ir_version: {IR_VERSION}, opset_import: ["": {OPSET}]>'
# Pillow resizes 8-bit pictures with weights in units of 2⁻²²: what 32 bits leave beside 8 of the pixel and 2 of care.
_UNIT = 1 << 22


def whole_onnx(network: onnx.ModelProto, stages: int) -> onnx.ModelProto:
    """The network with the letterbox in front of it and the decoder behind its last stage.

    Args:
        network: from ``image`` to ``heatmap_1..T`` (`onnx_export.to_onnx`).
        stages: T.

    Returns:
        A model from ``image`` (1, height, width, 3) uint8 of any size to ``landmarks`` (L, 3) float32: x and y in
        pixels of that image, and the score, 0 to 1. The network's ``heatmap_1..T`` are outputs as well, because ONNX
        Runtime fuses a quantized convolution in another way where its result is no output, which moves codes.
    """
    maps = [f"heatmap_{stage}" for stage in range(1, stages + 1)]
    image, heatmap = (tensor_spec(network.graph, name) for name in ("image", maps[-1]))
    decoder = decoder_onnx(heatmap, stride_of(image, heatmap))
    network = compose.add_prefix(network, "network/", rename_outputs=False)
    network.graph.ClearField("value_info")
    merged = letterbox_onnx(image)
    merged = compose.merge_models(merged, network, [("letterbox/input", "network/image")])
    kept = [*maps, "letterbox/scale", "letterbox/corner"]
    decoder = compose.add_prefix(decoder, "decode/")
    merged = compose.merge_models(
        merged, decoder, [(maps[-1], f"decode/{HEATMAPS}")], outputs=[*kept, f"decode/{LANDMARKS}"]
    )
    picture = compose.add_prefix(_to_picture(heatmap.shape[1] - 1), "picture/", rename_outputs=False)
    edges = {f"decode/{LANDMARKS}": "points", "letterbox/scale": "scale", "letterbox/corner": "corner"}
    merged = compose.merge_models(
        merged,
        picture,
        [(source, f"picture/{name}") for source, name in edges.items()],
        outputs=[LANDMARKS, *maps],
    )
    outputs = {output.name: output for output in merged.graph.output}
    ordered = [onnx.ValueInfoProto.FromString(outputs[name].SerializeToString()) for name in (LANDMARKS, *maps)]
    del merged.graph.output[:]
    merged.graph.output.extend(ordered)
    return seal(merged)


def decoder_onnx(heatmaps: TensorSpec, stride: int) -> onnx.ModelProto:
    """`decoder_tflite` as ONNX."""
    graph = decoder_tflite(heatmaps, stride)
    model = from_tflite(graph.cut(graph.inputs, graph.outputs))
    _restore_where(model.graph)
    _drop_unread(model.graph)
    name_by_position(model.graph, stable={HEATMAPS, LANDMARKS})
    return seal(model)


def letterbox_onnx(image: TensorSpec) -> onnx.ModelProto:
    """`fpm_edge_runtime.pixels.image.letterbox` of a whole picture, pixel for pixel.

    Sizes and weights are computed in float64, as Pillow and `Letterbox.fit` do, because they are rounded; the sums are
    whole numbers. Each pass, first along the rows and then along the columns, is a product with a dense matrix whose
    weights are split into three bytes, for engines multiply bytes fast and exactly.

    Args:
        image: (1, height, width, 3), the network's input.

    Returns:
        A model from ``image`` (1, any, any, 3) uint8 to ``letterbox/input`` of the shape of `image`, and
        ``letterbox/scale`` and ``letterbox/corner``, (2,) float32: `Letterbox`'s scale and top left, y first.
    """
    _, height, width, _ = image.shape
    model = parser.parse_model(
        f"""{_HEADER}
        letterbox (uint8[1, height, width, 3] image)
            => (uint8[1, {height}, {width}, 3] input, float[2] scale, float[2] corner) <
            int64[2] limit = {{{height}, {width}}}, double[2] limit_double = {{{height}, {width}}},
            double zero = {{0}}, double half = {{0.5}}, double one = {{1}}, double unit = {{{_UNIT}}},
            int32 unit_int = {{{_UNIT}}}, int32 half_int = {{{_UNIT // 2}}},
            int32 high_byte = {{65536}}, int32 middle_byte = {{256}},
            int64 first = {{0}}, int64 second = {{1}}, int64 two = {{2}}, int64[1] along = {{1}},
            int64[1] three = {{3}}, int64[1] rest = {{-1}}, int64[1] leading = {{1}}, int64[1] no_pad = {{0}},
            int64[4] input_shape = {{1, {height}, {width}, 3}}
        > {{
            shape = Shape<start = 1, end = 3>(image)
            size = Cast<to = 11>(shape)
            ratios = Div(limit_double, size)
            ratio = ReduceMin(ratios)
            exact_size = Mul(size, ratio)
            whole_size = Round(exact_size)
            some_size = Max(whole_size, one)
            fitted_double = Min(some_size, limit_double)
            fitted = Cast<to = 7>(fitted_double)
            in_height = Gather<axis = 0>(shape, first)
            out_height = Gather<axis = 0>(fitted, first)
            out_width = Gather<axis = 0>(fitted, second)
            in_height_1 = Reshape(in_height, leading)
            out_height_1 = Reshape(out_height, leading)
            out_width_1 = Reshape(out_width, leading)

            in_width = Gather<axis = 0>(shape, second)
            in_width_1 = Reshape(in_width, leading)

            {_weights("x", "second")}
            {_weights("y", "first")}

            columns_first = Transpose<perm = [0, 1, 3, 2]>(image)
            lines_shape = Concat<axis = 0>(rest, in_width_1)
            lines = Reshape(columns_first, lines_shape)
            {_product("x", "lines", None)}
            narrow_shape = Concat<axis = 0>(in_height_1, three, out_width_1)
            narrow = Reshape(x_pixels, narrow_shape)
            narrow_columns_last = Transpose<perm = [0, 2, 1]>(narrow)
            rows_shape = Concat<axis = 0>(in_height_1, rest)
            rows = Reshape(narrow_columns_last, rows_shape)
            {_product("y", None, "rows")}
            resized_shape = Concat<axis = 0>(leading, out_height_1, out_width_1, three)
            resized = Reshape(y_pixels, resized_shape)

            space = Sub(limit, fitted)
            before = Div(space, two)
            after = Sub(space, before)
            pads = Concat<axis = 0>(no_pad, before, no_pad, no_pad, after, no_pad)
            padded = Pad(resized, pads)
            input = Reshape(padded, input_shape)
            scale_double = Div(fitted_double, size)
            scale = Cast<to = 1>(scale_double)
            corner = Cast<to = 1>(before)
        }}"""
    )
    return compose.add_prefix(model, "letterbox/", rename_inputs=False)


def _weights(axis: str, index: str) -> str:
    """Pillow's triangle filter (`Resample.c`: `precompute_coeffs`, `normalize_coeffs_8bpc`) as three byte matrices."""
    made = f"""
        in_double_@ = Gather<axis = 0>(size, {index})
        out_double_@ = Gather<axis = 0>(fitted_double, {index})
        step_@ = Div(in_double_@, out_double_@)
        support_@ = Max(step_@, one)
        steepness_@ = Div(one, support_@)
        cells_@ = Range(zero, in_double_@, one)
        targets_@ = Range(zero, out_double_@, one)
        target_centres_@ = Add(targets_@, half)
        centres_@ = Mul(target_centres_@, step_@)
        centres_column_@ = Unsqueeze(centres_@, along)
        from_centre_@ = Sub(cells_@, centres_column_@)
        offset_@ = Add(from_centre_@, half)
        distance_@ = Abs(offset_@)
        drop_@ = Mul(distance_@, steepness_@)
        slope_@ = Sub(one, drop_@)
        triangle_@ = Max(slope_@, zero)
        total_@ = ReduceSum<keepdims = 1>(triangle_@, along)
        share_@ = Div(triangle_@, total_@)
        exact_@ = Mul(share_@, unit)
        nearest_@ = Add(exact_@, half)
        weight_@ = Cast<to = 6>(nearest_@)
        high_@ = Div(weight_@, high_byte)
        high_part_@ = Mul(high_@, high_byte)
        low_bytes_@ = Sub(weight_@, high_part_@)
        middle_@ = Div(low_bytes_@, middle_byte)
        middle_part_@ = Mul(middle_@, middle_byte)
        low_@ = Sub(low_bytes_@, middle_part_@)
        high_matrix_@ = Cast<to = 2>(high_@)
        middle_matrix_@ = Cast<to = 2>(middle_@)
        low_matrix_@ = Cast<to = 2>(low_@)
    """
    return made.replace("@", axis)


def _product(axis: str, left: str | None, right: str | None) -> str:
    """One pass: the pixels times the weights (from the right, transposed) or the weights times the pixels."""
    text = ""
    for part in ("high", "middle", "low"):
        matrix = f"{part}_matrix_{axis}"
        if right is None:
            text += f"{matrix}_t = Transpose<perm = [1, 0]>({matrix})\n"
            text += f"{axis}_{part} = MatMulInteger({left}, {matrix}_t)\n"
        else:
            text += f"{axis}_{part} = MatMulInteger({matrix}, {right})\n"
    made = """
        @_high_sum = Mul(@_high, high_byte)
        @_middle_sum = Mul(@_middle, middle_byte)
        @_upper_sum = Add(@_high_sum, @_middle_sum)
        @_sum = Add(@_upper_sum, @_low)
        @_nearest = Add(@_sum, half_int)
        @_value = Div(@_nearest, unit_int)
        @_pixels = Cast<to = 2>(@_value)
    """
    return text + made.replace("@", axis)


def _to_picture(landmarks: int) -> onnx.ModelProto:
    """`Letterbox.to_picture`; scale and corner are y first."""
    return parser.parse_model(
        f"""{_HEADER}
        picture (float[{landmarks}, 3] points, float[2] scale, float[2] corner) => (float[{landmarks}, 3] {LANDMARKS}) <
            int64[1] begin = {{0}}, int64[1] split = {{2}}, int64[1] end = {{3}}, int64[1] along = {{1}},
            int64[2] flip = {{1, 0}}, float half = {{0.5}}
        > {{
            place = Slice(points, begin, split, along)
            score = Slice(points, split, end, along)
            corner_xy = Gather<axis = 0>(corner, flip)
            scale_xy = Gather<axis = 0>(scale, flip)
            edge = Add(place, half)
            inside = Sub(edge, corner_xy)
            picture_edge = Div(inside, scale_xy)
            picture = Sub(picture_edge, half)
            {LANDMARKS} = Concat<axis = 1>(picture, score)
        }}"""
    )


def _restore_where(graph: Any) -> None:
    """tf2onnx writes c ? a : b as c · a + (1 − c) · b, in which a NaN that was not chosen spoils the result."""
    makers = {name: node for node in graph.node for name in node.output}

    def condition(name: str) -> tuple[str, bool] | None:
        """What is cast to a number in this tensor, and whether it is negated."""
        cast = makers.get(name)
        if cast is None or cast.op_type != "Cast":
            return None
        inner = makers.get(cast.input[0])
        if inner is not None and inner.op_type == "Not":
            return inner.input[0], True
        return cast.input[0], False

    for node in graph.node:
        products = [makers[name] for name in node.input if name in makers and makers[name].op_type == "Mul"]
        if node.op_type != "Add" or len(products) != 2:
            continue
        chosen: dict[bool, tuple[str, str]] = {}
        for made in products:
            for factor, value in (tuple(made.input), tuple(made.input)[::-1]):
                found = condition(factor)
                if found is not None:
                    chosen[found[1]] = (found[0], value)
        if set(chosen) == {False, True} and chosen[False][0] == chosen[True][0]:
            node.op_type = "Where"
            node.input[:] = [chosen[False][0], chosen[False][1], chosen[True][1]]


def _drop_unread(graph: Any) -> None:
    """Remove nodes whose results nobody reads; the nodes are in order."""
    read = {output.name for output in graph.output}
    for node in reversed(list(graph.node)):
        if read & set(node.output):
            read |= set(node.input)
        else:
            graph.node.remove(node)
