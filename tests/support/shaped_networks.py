"""The shapes of the paper's network and of the device models, in small, for the tests of networks and their folders."""

import msgspec
import numpy as np
import tf_keras

from fpm_edge.model import Conv, ModelConfig
from fpm_edge.model.network import build_model
from fpm_edge_runtime.bundle.schema import LandmarkSchema

SCHEMA = LandmarkSchema(name="three", landmarks=("left", "right", "top"), flip=(1, 0, 2), categories={"all": (0, 1, 2)})

# The paper's shape in small: x' starts from the image, pooling between convolutions, no normalisation, no clip.
PAPER_LIKE = ModelConfig(
    name="small",
    schema=SCHEMA,
    input_height=32,
    input_width=48,
    stages=3,
    first=(Conv(5, 4, pool=2), Conv(3, 6, pool=2), Conv(3, 8)),
    context=(Conv(5, 4, pool=2), Conv(3, 6, pool=2), Conv(3, 5)),
    refine=(Conv(5, 8), Conv(3, 7), Conv(1, 8)),
)
# That of the device models: a shared stem with even, strided kernels, and x' that already holds conv_x.
LITE_LIKE = msgspec.structs.replace(
    PAPER_LIKE,
    stem=(Conv(4, 4, stride=2), Conv(4, 6, stride=2)),
    first=(Conv(5, 8), Conv(1, 8)),
    context=(Conv(3, 5),),
    share_join=True,
    batch_norm=True,
    activation="relu6",
    clip_heatmaps=True,
)


def randomised(config: ModelConfig, seed: int = 0) -> tf_keras.Model:
    """A network whose every weight, and every statistic of a normalisation, is drawn at random."""
    generator = np.random.default_rng(seed)
    model = build_model(config)
    for variable in model.weights:
        values = generator.normal(0, 0.3, variable.shape)
        if "gamma" in variable.name or "moving_variance" in variable.name:
            values = generator.uniform(0.4, 1.6, variable.shape)
        variable.assign(values.astype(np.float32))
    return model
