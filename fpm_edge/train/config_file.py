"""A training run as a TOML file: the network, how it is trained, and on what.

    [model]                     # a preset, with what is to differ from it, or every field of an architecture
    preset = "lite"
    stages = 2

    [train]                     # the fields of TrainSettings; what is left out has the paper's value
    epochs = 40
    learning_rate = 1e-3

    [train.augmentation]        # the fields of Augmentation; without the table there is no augmentation
    rotation = 20

    [data]
    spec = "fashionai:DIR"
    holdout = 100

Each table may be left out. What is written by `write_run_config` is resolved: it names every field, so that the run
does not change when a preset or a default does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec
import tomli_w

from fpm_edge.model.kinds import KINDS, NetworkConfig, config_to_dict
from fpm_edge.model.presets import PRESETS, preset
from fpm_edge.strict import convert_strictly, nearest
from fpm_edge.text.names import text_name
from fpm_edge.train.settings import TrainSettings
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.bundle.schema_file import SHIPPED_SCHEMAS, load_schema
from fpm_edge_runtime.errors import SchemaError, UsageError
from fpm_edge_runtime.files import write_atomically
from fpm_edge_runtime.toml_file import decode_toml, read_toml

__all__ = [
    "Beside",
    "DataConfig",
    "PresetModel",
    "RunConfig",
    "dump_run_config",
    "network_config",
    "parse_run_config",
    "read_run_config",
    "write_run_config",
]

_Side = Annotated[int, msgspec.Meta(ge=1)]
_TABLES = ("model", "train", "data")


class PresetModel(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A shipped network, and what is to differ from it.

    Attributes:
        preset: one of `PRESETS`.
        stages: number of stages.
        input_size: width and height, pixels.
        width: multiplier of all hidden channel numbers.
        batch_norm: whether there is batch normalisation.
    """

    preset: str
    stages: Annotated[int, msgspec.Meta(ge=1)] | None = None
    input_size: tuple[_Side, _Side] | None = None
    width: Annotated[float, msgspec.Meta(gt=0)] | None = None
    batch_norm: bool | None = None


class Beside(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Data to train on beside the main data.

    Attributes:
        share: of the pictures of an epoch.
        spec: ``KIND:PATH``.
    """

    share: Annotated[float, msgspec.Meta(gt=0, lt=1)]
    spec: str


class DataConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to train on; the fields are the data options of the command line.

    Attributes:
        spec: ``KIND:PATH``; a relative path counts from the folder in which the command runs.
        holdout: photographs, or their share below 1, that training leaves out, or a file that lists them.
        holdout_digest: of the file's names (`file_digest`), so that a list that has changed since is noticed.
        split_seed: which ones.
        categories: only garments of these; all if left out.
        schema: name or file, where it is not the data's own.
        skip_bad: leave bad rows out instead of stopping.
        allow_seen: measure even on photographs that the weights to start from were trained on.
        beside: other data to train on as well.
    """

    spec: str
    holdout: Annotated[float, msgspec.Meta(gt=0)] | str | None = None
    holdout_digest: str | None = None
    split_seed: Annotated[int, msgspec.Meta(ge=0)] = 0
    categories: tuple[str, ...] | None = None
    schema: str | None = None
    skip_bad: bool = False
    allow_seen: bool = False
    beside: tuple[Beside, ...] = ()

    def __post_init__(self) -> None:
        names = self.categories
        if names is not None and (not names or len(set(names)) < len(names)):
            raise UsageError("categories must name at least one category, each once; leave it out for all")


@dataclass(frozen=True)
class RunConfig:
    """A training run.

    Attributes:
        model: a preset, a whole architecture, or None where the command line says which.
        train: how.
        data: on what; None where the command line says.
    """

    model: PresetModel | NetworkConfig | None = None
    train: TrainSettings = field(default_factory=TrainSettings)
    data: DataConfig | None = None


def read_run_config(path: Path) -> RunConfig:
    """The run that a TOML file describes.

    Raises:
        UsageError: it cannot be read, is not TOML, or a key is unknown, missing, of the wrong type or out of range.
            The message names the file and the key.
    """
    return _run_of(read_toml(path, str(path), UsageError), str(path))


def parse_run_config(text: str, where: str) -> RunConfig:
    """`read_run_config` of a text; `where` names it in errors."""
    return _run_of(decode_toml(text, where, UsageError), where)


def _run_of(tables: Mapping[str, Any], where: str) -> RunConfig:
    for name, table in tables.items():
        if name not in _TABLES:
            hint = nearest(name, _TABLES) or ";"
            raise UsageError(f"{where}: {name}: unknown table{hint} valid tables: {', '.join(_TABLES)}")
        if not isinstance(table, dict):
            raise UsageError(f"{where}: {name} is a single value; expected a table, [{name}]")
    data = convert_strictly(tables["data"], DataConfig, where=where, at="data") if "data" in tables else None
    return RunConfig(
        model=_model(tables["model"], data, where) if "model" in tables else None,
        train=convert_strictly(tables.get("train", {}), TrainSettings, where=where, at="train"),
        data=data,
    )


def dump_run_config(run: RunConfig) -> str:
    """`run` as TOML; reading it back gives an equal one."""
    tables: dict[str, Any] = {}
    if isinstance(run.model, PresetModel):
        tables["model"] = msgspec.to_builtins(run.model)
    elif run.model is not None:
        tables["model"] = {**config_to_dict(run.model), "schema": _written_schema(run.model.schema)}
    tables["train"] = msgspec.to_builtins(run.train)
    if run.data is not None:
        tables["data"] = msgspec.to_builtins(run.data)
    return tomli_w.dumps(_without_none(tables))


def write_run_config(path: Path, run: RunConfig) -> None:
    """Write `run` as a TOML file that appears whole or not at all. Raises OSError."""
    write_atomically(path, dump_run_config(run))


def network_config(model: PresetModel | NetworkConfig, schema: LandmarkSchema) -> NetworkConfig:
    """The whole architecture: that of a preset for the landmarks of `schema`; any other already is one."""
    if not isinstance(model, PresetModel):
        return model
    changes: dict[str, Any] = msgspec.to_builtins(model, builtin_types=())
    if model.input_size is not None:
        changes["input_size"] = model.input_size
    return preset(changes.pop("preset"), schema, **changes)


def _model(table: dict[str, Any], data: DataConfig | None, where: str) -> PresetModel | NetworkConfig:
    if "preset" in table or nearest("preset", table):
        model = convert_strictly(table, PresetModel, where=where, at="model")
        if model.preset not in PRESETS:
            hint = nearest(model.preset, PRESETS) or ";"
            raise UsageError(f'{where}: model.preset is "{model.preset}"{hint} expected one of: {", ".join(PRESETS)}')
        return model
    fields = dict(table)
    kind = fields.pop("kind", "fpm")
    if kind not in KINDS:
        hint = nearest(str(kind), KINDS) or ";"
        raise UsageError(f'{where}: model.kind is "{kind}"{hint} expected one of: {", ".join(KINDS)}')
    if set(table) <= {*PresetModel.__struct_fields__, "schema"}:
        raise UsageError(f"{where}: model.preset is missing; expected one of: {', '.join(PRESETS)}, or an architecture")
    given = fields.get("schema", None if data is None else data.schema)
    if given is None:
        raise UsageError(
            f"{where}: model.schema is missing; an architecture needs its landmarks: one of "
            f"{', '.join(SHIPPED_SCHEMAS)}, or a .toml file"
        )
    if isinstance(given, str):
        try:
            given = msgspec.to_builtins(load_schema(given))
        except SchemaError as error:
            raise UsageError(f"{where}: {'model' if 'schema' in fields else 'data'}.schema: {error}") from error
    config: NetworkConfig = convert_strictly({**fields, "schema": given}, KINDS[kind], where=where, at="model")
    return config


def _written_schema(schema: LandmarkSchema) -> str | dict[str, Any]:
    """The name of a shipped schema; any other in full, so that the file stands alone."""
    if schema.name in SHIPPED_SCHEMAS and load_schema(schema.name) == schema:
        return schema.name
    written: dict[str, Any] = msgspec.to_builtins(schema)
    return written


def _without_none(value: Any) -> Any:
    """TOML has no null: a key that is None is left out. Nor has it names that are no text."""
    if isinstance(value, str):
        return text_name(value)
    if isinstance(value, Mapping):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list | tuple) else value
