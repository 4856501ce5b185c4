"""Which formats a precision comes in."""

import pytest

from fpm_edge.convert.formats import formats_for
from fpm_edge_runtime.errors import UsageError


def test_all_that_every_precision_comes_in() -> None:
    assert formats_for(["int8"], None) == formats_for(["int8", "float16"], None) == ("tflite", "onnx")
    assert formats_for(["int16x8"], None) == formats_for(["int8", "int16x8"], None) == ("tflite",)
    assert formats_for(["dynamic-range"], None) == ("tflite",)


def test_what_was_asked_for() -> None:
    assert formats_for(["int8"], ["onnx"]) == ("onnx",)
    assert formats_for(["int16x8"], ["tflite"]) == ("tflite",)


@pytest.mark.parametrize("precision", ["int16x8", "dynamic-range"])
def test_no_onnx(precision: str) -> None:
    with pytest.raises(UsageError, match=f"{precision} is for TFLite only: ONNX Runtime .*; give --format tflite"):
        formats_for(["int8", precision], ["tflite", "onnx"])  # type: ignore[list-item]
