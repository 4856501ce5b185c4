"""What a training run will be: network, data and settings, from a TOML file and the options of `fpm-edge train`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import tf_keras

from fpm_edge.cli.options import DataSource
from fpm_edge.cli.train_data import PAPER, data_config, read_beside, read_data, source_of, with_papers_split
from fpm_edge.cli.training import changed_settings
from fpm_edge.data import Dataset, mixed
from fpm_edge.data.paper import PUBLISHED
from fpm_edge.model.config import ModelConfig
from fpm_edge.model.kinds import NetworkConfig, config_to_dict
from fpm_edge.model.networks import network_for
from fpm_edge.model.store import load_weights, read_config, weights_digest
from fpm_edge.train.config_file import (
    Beside,
    DataConfig,
    PresetModel,
    RunConfig,
    dump_run_config,
    network_config,
    read_run_config,
)
from fpm_edge.train.mirror import without_mirror
from fpm_edge.train.pipeline import epoch_size
from fpm_edge.train.recipes import RECIPES
from fpm_edge.train.seen import Seen, seen_by
from fpm_edge.train.settings import TrainSettings
from fpm_edge_runtime import UsageError

__all__ = ["TrainPlan", "plan_training"]

_DEFAULT_MODEL = "paper"
# What is held back where no option says it.
_PAPERS = "the paper's split"
# Enough garments for a whole batch.
_STAND_IN = "rendered:{}@0/512"


@dataclass(frozen=True)
class TrainPlan:
    """A training run, resolved.

    Attributes:
        config: the network.
        settings: how.
        training: what to train on: `main`, with `beside` beside it, each with its share of an epoch.
        seen: what the weights will have been trained on.
        held: what was held back from `main`; None for nothing.
        data: the options that say so.
        recipe: name of the recipe that the settings began with; None where a file gave them.
        start: folder of the weights to start from.
        teacher: folder of the teacher.
        notes: for people.
        pictures: how many training pictures to count with: those of `training`, unless these only stand in.
    """

    config: NetworkConfig
    settings: TrainSettings
    training: Dataset
    seen: Seen
    main: Dataset
    beside: tuple[tuple[Dataset, float], ...]
    held: Dataset | None
    data: DataConfig
    recipe: str | None
    start: Path | None
    teacher: Path | None
    notes: tuple[str, ...]
    pictures: int

    @property
    def origin(self) -> str:
        """Digest of the weights to start from; empty for none."""
        return "" if self.start is None else weights_digest(self.start)

    @property
    def teacher_origin(self) -> str:
        """Digest of the teacher's weights; empty for none."""
        return "" if self.teacher is None else weights_digest(self.teacher)

    @property
    def start_name(self) -> str | None:
        """The weights to start from, by name and digest."""
        return None if self.start is None else f"{self.start.resolve().name} (weights SHA-256 `{self.origin}`)"

    @property
    def board_data(self) -> Dataset:
        """Whose heatmaps to look at: held-back pictures, if there are any."""
        return self.held or self.training

    @property
    def parameters(self) -> int:
        """Trainable ones, without batch normalisation."""
        return sum(cost.parameters for cost in network_for(self.config).costs(self.config))

    @property
    def run(self) -> RunConfig:
        """The run for a TOML file."""
        return RunConfig(self.config, self.settings, self.data)

    def build(self, *, synchronized: bool) -> tf_keras.Model:
        """The network with the weights that training starts from; in the scope of the strategy."""
        model = network_for(self.config).build(
            self.config,
            policy=self.settings.precision,
            # Micro-batches have statistics of their own, on one device as on several.
            synchronized=synchronized and self.settings.micro_batch is None,
        )
        if self.start is not None:
            load_weights(self.start, model)
        return model

    def to_toml(self) -> str:
        """The run as its TOML file will be."""
        return dump_run_config(self.run)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "model": config_to_dict(self.config),
            "train": msgspec.to_builtins(self.settings),
            "data": msgspec.to_builtins(self.data),
            "records": self.pictures,
            "held": None if self.held is None else len(self.held),
            "notes": list(self.notes),
        }

    def again(self, config_file: Path, output: Path) -> list[str]:
        """The command that trains the same again, into another folder."""
        command = ["fpm-edge", "train", "--config", str(config_file)]
        if self.start is not None:
            command += ["--from", str(self.start)]
        if self.teacher is not None:
            command += ["--teacher", str(self.teacher)]
        return [*command, "-o", f"{output}-again"]


def plan_training(
    config_file: Path | None,
    source: DataSource | None,
    *,
    model: Mapping[str, Any],
    start: Path | None,
    teacher: Path | None,
    recipe: str | None,
    settings: Mapping[str, Any],
    beside: Sequence[tuple[float, str]] = (),
    stand_in: bool = False,
) -> TrainPlan:
    """Put file and options together; an option wins over the file.

    Args:
        model: fields of `PresetModel`, None where not given.
        settings: fields of `TrainSettings`, None where not given.
        beside: share of an epoch and spec of the data to train on as well; none for those of the file.
        stand_in: where nothing says what to train on, take a few drawn garments in its place, and count with the
            paper's number of pictures.

    Raises:
        UsageError: options that contradict each other, or nothing says what to train on.
        ModelError, DataError, SchemaError: what they name cannot be used.
    """
    file = RunConfig() if config_file is None else read_run_config(config_file)
    if config_file is not None and recipe is not None:
        raise UsageError(f"--recipe and --config {config_file} both give the settings; leave one out")
    if config_file is None:
        recipe = recipe or PAPER
    base = file.train if recipe is None else RECIPES[recipe]
    if teacher is not None and base.teacher_weight == 0:
        base = msgspec.structs.replace(base, teacher_weight=1.0)
    others = tuple(Beside(share, spec) for share, spec in beside)
    if source is None and file.data is not None:
        # --data stands for the whole table, what is beside it included.
        others = others or file.data.beside
        source = source_of(file.data)
    assumed = source is None and stand_in
    if assumed:
        source = DataSource(_STAND_IN.format(max(20, changed_settings(base, **settings).batch)))
    if source is None:
        raise UsageError("nothing says what to train on; give --data, or a table [data] in the --config file")
    chosen = {name: value for name, value in model.items() if value is not None}
    source = with_papers_split(source, recipe)
    main, held, notes = read_data(source)
    earlier = [folder for folder in (start, teacher) if folder is not None]
    if held is not None:
        source.refuse_seen(held, *earlier)
    added = tuple((read_beside(other, source, main, held), other.share) for other in others)
    training = mixed(main, added) if added else main
    config = _network(file.model, chosen, start, training)
    if recipe is not None and not isinstance(config, ModelConfig) and (base.absent_weight or base.category_weight):
        base = msgspec.structs.replace(base, absent_weight=0.0, category_weight=0.0)
        notes = (*notes, f"model {config.name!r} has no maps to be silent: absent_weight and category_weight are 0")
    if assumed:
        notes = (f"no data was given: timed on drawn garments, counted with the paper's {PUBLISHED.train:,} pictures",)
    final, line = without_mirror(changed_settings(base, **settings), config.schema)
    return TrainPlan(
        config=config,
        settings=final,
        training=training,
        seen=Seen.of(training, *map(seen_by, earlier), held_back=source.held_back or (_PAPERS if held else "")),
        main=main,
        beside=added,
        held=held,
        data=data_config(source, others),
        recipe=recipe,
        start=start,
        teacher=teacher,
        notes=notes if line is None else (*notes, line),
        pictures=PUBLISHED.train if assumed else epoch_size(training),
    )


def _network(
    given: PresetModel | NetworkConfig | None, chosen: dict[str, Any], start: Path | None, training: Dataset
) -> NetworkConfig:
    if isinstance(given, PresetModel):
        chosen = msgspec.to_builtins(given, builtin_types=()) | chosen
    elif given is not None:
        if chosen:
            raise UsageError("the --config file holds a whole network; change it there, not by options")
        return given
    preset = chosen.pop("preset", None)
    if preset is None and start is not None:
        return _changed(read_config(start), chosen)
    # With --from, its weights in this network: they fit where the kernels are alike.
    return network_config(PresetModel(preset or _DEFAULT_MODEL, **chosen), training.schema)


def _changed(config: NetworkConfig, chosen: dict[str, Any]) -> NetworkConfig:
    """The network of the weights to start from, with fewer stages or at another input size."""
    for name, value in chosen.items():
        option = name.replace("_", "-")
        if name not in ("stages", "input_size"):
            raise UsageError(f"--from brings its own network; leave --{option} out, or name a network with --model")
        if not isinstance(config, ModelConfig):
            raise UsageError(f"model {config.name!r} is no Fashion Pose Machine; leave --{option} out")
        config = config.truncated(value) if name == "stages" else config.resized(value)
    return config
