"""Several TFLite files as one, with a signature for each and every constant stored once."""

from collections.abc import Mapping
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

__all__ = ["join_signatures"]

_IDENTIFIER = b"TFL3"


def join_signatures(files: Mapping[str, bytes]) -> bytes:
    """One TFLite file that runs each of `files` by its name.

    Args:
        files: signature name → file with one subgraph and one signature, as `FlatGraph.cut` writes it.

    Returns:
        A file whose signatures have those names, and the inputs and outputs of the files' own. Operators are copied as
        they are, so that a signature computes exactly what its file did. Files of the same bytes are stored once.
    """
    joined = schema.ModelT()
    joined.version = 3
    joined.description = b"fpm-edge"
    joined.operatorCodes, joined.subgraphs, joined.signatureDefs = [], [], []
    joined.buffers = [schema.BufferT()]  # buffer 0 stands for "no data", by TFLite's convention
    stored: dict[bytes, int] = {b"": 0}
    codes: dict[tuple[Any, ...], int] = {}
    places: dict[bytes, int] = {}
    for name, data in files.items():
        model = schema.ModelT.InitFromPackedBuf(data, 0)
        (graph,), (signature,) = model.subgraphs, model.signatureDefs
        signature.signatureKey = name.encode()
        joined.signatureDefs.append(signature)
        if data in places:
            signature.subgraphIndex = places[data]
            continue
        signature.subgraphIndex = places[data] = len(joined.subgraphs)
        for tensor in graph.tensors:
            content = model.buffers[tensor.buffer].data
            key = b"" if content is None else np.asarray(content, np.uint8).tobytes()
            if key not in stored:
                stored[key] = len(joined.buffers)
                joined.buffers.append(model.buffers[tensor.buffer])
            tensor.buffer = stored[key]
        for op in graph.operators:
            code = model.operatorCodes[op.opcodeIndex]
            kind = tuple(sorted(vars(code).items()))
            if kind not in codes:
                codes[kind] = len(joined.operatorCodes)
                joined.operatorCodes.append(code)
            op.opcodeIndex = codes[kind]
        graph.name = name.encode()
        joined.subgraphs.append(graph)
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(joined.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())
