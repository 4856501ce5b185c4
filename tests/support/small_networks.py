"""Small networks of three landmarks, for the tests of several modules."""

from typing import Any

import msgspec
import numpy as np
import tf_keras

from fpm_edge.model.fashionnet_config import FashionNetConfig
from fpm_edge.model.presets import preset
from fpm_edge_runtime.bundle.schema import LandmarkSchema

SCHEMA = LandmarkSchema(
    name="three",
    landmarks=("left", "right", "top"),
    flip=(1, 0, 2),
    categories={"both": (0, 1, 2), "pair": (0, 1)},
)
SMALL: dict[str, Any] = {"width": 0.0625, "input_size": (64, 64)}


def small(name: str, **options: Any) -> Any:
    return preset(name, SCHEMA, **SMALL, **options)


def without_dropout(**changes: Any) -> FashionNetConfig:
    return msgspec.structs.replace(small("fashionnet"), dropout=0.0, **changes)


def pictures(config: Any, count: int = 2) -> Any:
    shape = (count, config.input_height, config.input_width, 3)
    return np.random.default_rng(1).random(shape, np.float32)


def run(model: tf_keras.Model, image: Any) -> list[Any]:
    outputs = model(image, training=False)
    return [tensor.numpy() for tensor in (outputs if isinstance(outputs, list) else [outputs])]
