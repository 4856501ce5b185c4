"""The kinds of network that can be trained and evaluated, as data. Each kind is one configuration type.

Only the Fashion Pose Machine (kind ``fpm``) is converted and shipped; the others are published networks to compare it
with. How a kind is built and read is in `fpm_edge.model.networks`, what it is trained on in `fpm_edge.train.objective`.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import msgspec

from fpm_edge.model.config import ModelConfig
from fpm_edge.model.fashionnet_config import FashionNetConfig
from fpm_edge.model.oneshot_config import OneShotConfig
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.errors import ModelError, SchemaError

__all__ = ["KINDS", "NetworkConfig", "config_to_dict", "kind_of", "read_any_config"]


class NetworkConfig(Protocol):
    """What every configuration has, whatever its kind."""

    @property
    def name(self) -> str:
        """Preset or the user's own name."""

    @property
    def schema(self) -> LandmarkSchema:
        """The L landmarks."""

    @property
    def input_height(self) -> int:
        """Pixels."""

    @property
    def input_width(self) -> int:
        """Pixels."""

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) of the input, pixels."""

    @property
    def stages(self) -> int:
        """Answers for a picture, each better than the one before; 1 for networks without stages."""


KINDS: Mapping[str, type[Any]] = MappingProxyType(
    {"fpm": ModelConfig, "fashionnet": FashionNetConfig, "oneshot": OneShotConfig}
)


def kind_of(config: NetworkConfig) -> str:
    """The name of a configuration's kind."""
    return next(kind for kind, config_type in KINDS.items() if type(config) is config_type)


def config_to_dict(config: NetworkConfig) -> dict[str, Any]:
    """Plain values for ``config.json``, with the kind."""
    return {"kind": kind_of(config), **msgspec.to_builtins(config)}


def read_any_config(path: Path) -> NetworkConfig:
    """Read a ``config.json`` of any kind. Raises ModelError naming the field, or the kinds."""
    try:
        fields = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        kind = fields.pop("kind", "fpm")
        if kind not in KINDS:
            raise ModelError(f"{path}: unknown kind of network {kind!r}; expected one of: {', '.join(KINDS)}")
        config: NetworkConfig = msgspec.convert(fields, type=KINDS[kind])
    except OSError as error:
        raise ModelError(f"{path}: cannot read the model's configuration: {error.strerror}") from error
    except (msgspec.ValidationError, msgspec.DecodeError, SchemaError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not a model configuration: {error}") from error
    return config
