"""What a configuration costs and sees, counted from the configuration alone (no TensorFlow)."""

from dataclasses import dataclass

from fpm_edge.model.config import Conv, ModelConfig
from fpm_edge.model.fashionnet_config import VISIBILITY_CLASSES, FashionNetConfig
from fpm_edge.model.oneshot_config import OneShotConfig, Up

__all__ = ["StageCost", "fashionnet_costs", "oneshot_costs", "receptive_fields", "stage_costs"]


@dataclass(frozen=True)
class StageCost:
    """One piece of the network: its name, trainable parameters (without batch normalisation), and MACs an image."""

    piece: str
    parameters: int
    macs: int


@dataclass
class _Counter:
    """Walks a chain of convolutions."""

    channels: int
    cells: int
    parameters: int = 0
    macs: int = 0

    def conv(self, kernel: int, filters: int, stride: int = 1, pool: int = 1, bias: bool = True) -> None:
        self.cells //= stride * stride
        weights = kernel * kernel * self.channels * filters
        self.parameters += weights + (filters if bias else 0)
        self.macs += weights * self.cells
        self.cells //= pool * pool
        self.channels = filters

    def depthwise(self, kernel: int, stride: int) -> None:
        """One kernel a channel."""
        self.cells //= stride * stride
        weights = kernel * kernel * self.channels
        self.parameters += weights + self.channels
        self.macs += weights * self.cells

    def up(self, kernel: int, filters: int) -> None:
        """A transposed convolution of stride 2: every input cell meets the whole kernel."""
        weights = kernel * kernel * self.channels * filters
        self.parameters += weights + filters
        self.macs += weights * self.cells
        self.cells *= 4
        self.channels = filters

    def dense(self, units: int) -> None:
        """A fully connected layer on everything there is."""
        inputs = self.cells * self.channels
        self.parameters += inputs * units + units
        self.macs += inputs * units
        self.cells, self.channels = 1, units

    def chain(self, layers: tuple[Conv, ...]) -> "_Counter":
        for layer in layers:
            if layer.separable:
                self.depthwise(layer.kernel, layer.stride)
                self.conv(1, layer.filters, pool=layer.pool)
            else:
                self.conv(layer.kernel, layer.filters, layer.stride, layer.pool)
        return self

    def cost(self, piece: str) -> StageCost:
        return StageCost(piece, self.parameters, self.macs)


def stage_costs(config: ModelConfig) -> tuple[StageCost, ...]:
    """Parameters and multiply-accumulates of stage 1 (with the stem), x' and every later stage, in that order."""
    image = config.input_height * config.input_width
    stem = _Counter(3, image).chain(config.stem)
    first = _Counter(stem.channels, stem.cells).chain(config.first)
    first.conv(1, config.maps)
    costs = [StageCost("stage_1", stem.parameters + first.parameters, stem.macs + first.macs)]
    if config.stages == 1:
        return tuple(costs)
    join, *rest = config.refine
    own_context = _Counter(stem.channels, stem.cells).chain(config.context)
    conv_x = _Counter(own_context.channels, own_context.cells)
    conv_x.conv(join.kernel, join.filters, bias=False)
    if config.stages >= config.share_features_from:
        extra = conv_x if config.share_join else _Counter(0, 0)
        costs.append(StageCost("context", own_context.parameters + extra.parameters, own_context.macs + extra.macs))
    for stage in range(2, config.stages + 1):
        counter = _Counter(config.maps, own_context.cells)
        counter.conv(join.kernel, join.filters)
        if config.centre_sigma is not None:
            weights = join.kernel * join.kernel * join.filters
            counter.parameters += weights
            counter.macs += weights * own_context.cells
        counter.chain(tuple(rest))
        counter.conv(1, config.maps)
        shares = stage >= config.share_features_from
        if not (shares and config.share_join):
            counter.parameters += conv_x.parameters
            counter.macs += conv_x.macs
        if not shares:
            counter.parameters += own_context.parameters
            counter.macs += own_context.macs
        costs.append(counter.cost(f"stage_{stage}"))
    return tuple(costs)


def fashionnet_costs(config: FashionNetConfig) -> tuple[StageCost, ...]:
    """Parameters and multiply-accumulates of the shared trunk and of each branch; trunk and pose give landmarks."""
    landmarks = len(config.schema.landmarks)
    trunk = _Counter(3, config.input_height * config.input_width).chain(config.trunk)

    def block5() -> _Counter:
        return _Counter(trunk.channels, trunk.cells // 4).chain(config.block5)

    pose = block5()
    for units in config.fc_pose:
        pose.dense(config.units(units))
    visibility = _Counter(pose.channels, 1)
    visibility.dense(len(VISIBILITY_CLASSES) * landmarks)
    pose.dense(2 * landmarks)
    pose.parameters += visibility.parameters
    pose.macs += visibility.macs
    local = _Counter(trunk.channels, landmarks * config.pooled**2)
    local.dense(config.units(config.fc_local))
    whole = block5()
    whole.dense(config.units(config.fc_global))
    fusion = _Counter(local.channels + whole.channels, 1)
    fusion.dense(config.units(config.fc_fusion))
    fusion.dense(len(config.schema.categories))
    pieces = {"trunk": trunk, "pose": pose, "local": local, "global": whole, "fusion": fusion}
    return tuple(counter.cost(piece) for piece, counter in pieces.items())


def oneshot_costs(config: OneShotConfig) -> tuple[StageCost, ...]:
    """Parameters and multiply-accumulates of the trunk and of the decoder with its head."""
    trunk = _Counter(3, config.input_height * config.input_width).chain(config.trunk)
    decoder = _Counter(trunk.channels, trunk.cells)
    for layer in config.decoder:
        if isinstance(layer, Up):
            decoder.up(layer.kernel, layer.filters)
        else:
            decoder.conv(layer.kernel, layer.filters)
    decoder.conv(1, config.maps)
    return trunk.cost("trunk"), decoder.cost("decoder")


def receptive_fields(config: ModelConfig) -> tuple[int, ...]:
    """Side of the input square that one heatmap cell of each stage sees, in pixels, one per stage."""
    field, jump = _grow(1, 1, config.stem + config.first)
    context, _ = _grow(1, 1, config.stem + config.context)
    fields = [field]
    for _ in range(1, config.stages):
        joined = max(fields[-1], context)
        fields.append(_grow(joined, jump, config.refine)[0])
    return tuple(fields)


def _grow(field: int, jump: int, layers: tuple[Conv, ...]) -> tuple[int, int]:
    for layer in layers:
        field += (layer.kernel - 1) * layer.dilation * jump
        jump *= layer.stride
        field += (layer.pool - 1) * jump
        jump *= layer.pool
    return field, jump
