"""The Fashion Pose Machine: configuration, presets, arithmetic, network, folding and storage.

`network`, `folding` and `store` need TensorFlow and are imported by name.
"""

from fpm_edge.model.arithmetic import StageCost, receptive_fields, stage_costs
from fpm_edge.model.config import Conv, ModelConfig
from fpm_edge.model.presets import PRESETS, preset

__all__ = ["PRESETS", "Conv", "ModelConfig", "StageCost", "preset", "receptive_fields", "stage_costs"]
