"""The kinds of network behind one interface: how each is built, and how its outputs become landmarks."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import tf_keras
from numpy.typing import NDArray

from fpm_edge.model.arithmetic import StageCost, fashionnet_costs, oneshot_costs, stage_costs
from fpm_edge.model.config import ModelConfig
from fpm_edge.model.fashionnet import build_fashionnet, fashionnet_training_outputs
from fpm_edge.model.fashionnet_config import VISIBILITY_CLASSES, FashionNetConfig
from fpm_edge.model.kinds import NetworkConfig, kind_of
from fpm_edge.model.network import build_model, training_outputs
from fpm_edge.model.oneshot import build_oneshot
from fpm_edge.model.oneshot_config import OneShotConfig
from fpm_edge_runtime.pixels.decode_maps import decode_batch, decode_heatmaps
from fpm_edge_runtime.pixels.geometry import cells_to_input

__all__ = ["Network", "network_for"]

_ABSENT = VISIBILITY_CLASSES.index("absent")


class Network(Protocol):
    """One kind of network."""

    def build(self, config: Any, *, policy: str = "float32", synchronized: bool = False) -> tf_keras.Model:
        """The network with random weights, from ``image`` (batch, height, width, 3) float32 in [0, 1].

        Args:
            config: of this kind.
            policy: tf_keras dtype policy of the hidden layers; outputs and weights are float32 in every case.
            synchronized: whether batch normalisation takes its statistics over all replicas.
        """

    def training_outputs(self, model: tf_keras.Model) -> tf_keras.Model:
        """The same network, sharing its weights, with the outputs that the loss is taken on."""

    def decode(
        self, config: Any, outputs: Sequence[NDArray[np.float32]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The outputs of `build`'s model for a batch, as landmarks.

        Returns:
            landmarks (batch, stages, L, 2) float32, pixels of the input; scores (batch, stages, L) float32.
        """

    def costs(self, config: Any) -> tuple[StageCost, ...]:
        """Parameters and multiply-accumulates of each piece, counted from the configuration."""


class _Heatmaps:
    """Kind ``fpm``: one set of heatmaps a stage."""

    def build(self, config: ModelConfig, *, policy: str = "float32", synchronized: bool = False) -> tf_keras.Model:
        return build_model(config, policy=policy, synchronized=synchronized)

    def training_outputs(self, model: tf_keras.Model) -> tf_keras.Model:
        return training_outputs(model)

    def decode(
        self, config: ModelConfig, outputs: Sequence[NDArray[np.float32]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        count = len(config.schema.landmarks)
        landmarks, scores = [], []
        for maps in zip(*outputs, strict=True):
            decoded = [decode_heatmaps(stage, layout="NHWC", landmarks=count) for stage in maps]
            landmarks.append([cells_to_input(cells, config.stride) for cells, _ in decoded])
            scores.append([score for _, score in decoded])
        return np.array(landmarks, np.float32), np.array(scores, np.float32)

    def costs(self, config: ModelConfig) -> tuple[StageCost, ...]:
        return stage_costs(config)


class _FashionNet:
    """Kind ``fashionnet``: coordinates by regression; a landmark's score is the probability that it is there."""

    def build(self, config: FashionNetConfig, *, policy: str = "float32", synchronized: bool = False) -> tf_keras.Model:
        return build_fashionnet(config, policy=policy, synchronized=synchronized)

    def training_outputs(self, model: tf_keras.Model) -> tf_keras.Model:
        return fashionnet_training_outputs(model)

    def decode(
        self, config: FashionNetConfig, outputs: Sequence[NDArray[np.float32]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        shares, visibility, _ = outputs
        landmarks = shares * np.array(config.input_size, np.float32) - np.float32(0.5)
        scores = 1.0 - visibility[..., _ABSENT]
        return np.asarray(landmarks[:, np.newaxis], np.float32), np.asarray(scores[:, np.newaxis], np.float32)

    def costs(self, config: FashionNetConfig) -> tuple[StageCost, ...]:
        return fashionnet_costs(config)


class _OneShot:
    """Kind ``oneshot``: one set of heatmaps at the size of the input, without background."""

    def build(self, config: OneShotConfig, *, policy: str = "float32", synchronized: bool = False) -> tf_keras.Model:
        return build_oneshot(config, policy=policy, synchronized=synchronized)

    def training_outputs(self, model: tf_keras.Model) -> tf_keras.Model:
        return model

    def decode(
        self, config: OneShotConfig, outputs: Sequence[NDArray[np.float32]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        (maps,) = outputs
        # The decoder expects a background after the landmarks, and does not look at it.
        with_background = np.pad(maps, [(0, 0), (0, 0), (0, 0), (0, 1)])
        cells, scores = decode_batch(with_background, layout="NHWC", landmarks=config.maps)
        return cells_to_input(cells, config.stride)[:, np.newaxis], scores[:, np.newaxis]

    def costs(self, config: OneShotConfig) -> tuple[StageCost, ...]:
        return oneshot_costs(config)


_NETWORKS: Mapping[str, Network] = MappingProxyType(
    {"fpm": _Heatmaps(), "fashionnet": _FashionNet(), "oneshot": _OneShot()}
)


def network_for(config: NetworkConfig) -> Network:
    """The network of a configuration's kind."""
    return _NETWORKS[kind_of(config)]
