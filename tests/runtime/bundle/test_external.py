"""Models with data in other files are refused, whatever else is in them; nothing raises another error.

Where in an ONNX model such a tensor can be is in the table of attacks (tests/support/member_attacks.py).
"""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import Builder
from small_bundle import colour_model

from fpm_edge_runtime import BundleError
from fpm_edge_runtime.bundle.external import refuse_external_data


def flatbuffer(**fields: object) -> bytes:
    model = schema.ModelT()
    model.version, model.buffers = 3, [schema.BufferT()]
    for name, value in fields.items():
        setattr(model, name, value)
    builder = Builder(256)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def group() -> object:
    made = schema.ExternalBufferGroupT()
    made.name = "secret.bin"
    return made


def test_models_that_hold_their_data_pass() -> None:
    refuse_external_data("whole.onnx", colour_model().SerializeToString())
    refuse_external_data("stages.tflite", flatbuffer())


@pytest.mark.parametrize("field", ["externalBufferGroups", "externalBuffers"])
def test_external_buffers_of_tflite(field: str) -> None:
    value = group() if field == "externalBufferGroups" else schema.ExternalBufferT()
    with pytest.raises(BundleError, match=r"whole\.tflite has data in other files"):
        refuse_external_data("whole.tflite", flatbuffer(**{field: [value]}))


def test_what_is_no_model_is_not_looked_at() -> None:
    refuse_external_data("card.md", b"\xff" * 20)


@pytest.mark.parametrize("member", ["stages/1.onnx", "stages/1.tflite"])
def test_any_bytes_are_passed_or_refused(member: str) -> None:
    rng = np.random.default_rng(0)
    model = colour_model().SerializeToString() if member.endswith("onnx") else flatbuffer()
    for length in range(0, 200):
        for content in (rng.bytes(length), model[:length]):
            try:
                refuse_external_data(member, content)
            except BundleError:
                continue
    for _ in range(300):
        mutant = bytearray(model)
        mutant[int(rng.integers(min(len(mutant), 400)))] = int(rng.integers(256))
        try:
            refuse_external_data(member, bytes(mutant))
        except BundleError:
            continue
