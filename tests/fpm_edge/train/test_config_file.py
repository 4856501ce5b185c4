"""A run as TOML: what is written reads back equal, and what is wrong is named by file and key."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec import inspect

from fpm_edge.model import PRESETS, preset
from fpm_edge.model.kinds import KINDS
from fpm_edge.train.config_file import (
    Beside,
    DataConfig,
    PresetModel,
    RunConfig,
    dump_run_config,
    network_config,
    parse_run_config,
    read_run_config,
    write_run_config,
)
from fpm_edge.train.settings import Augmentation, TrainSettings
from fpm_edge_runtime import FpmEdgeError, UsageError, load_schema
from fpm_edge_runtime.bundle.schema import LandmarkSchema

FASHIONAI = load_schema("fashionai24")


def refused(text: str) -> str:
    """What is said about a bad file, in one line."""
    with pytest.raises(UsageError) as caught:
        parse_run_config(text, "run.toml")
    said = str(caught.value)
    assert said.startswith("run.toml: ")
    assert "\n" not in said
    return said.removeprefix("run.toml: ")


def test_what_is_left_out_has_its_default() -> None:
    run = parse_run_config('[model]\npreset = "lite"\n[train]\nepochs = 3\n[train.augmentation]\nrotation = 5\n', "x")
    assert run.model == PresetModel("lite")
    assert run.train == TrainSettings(epochs=3, augmentation=Augmentation(rotation=5.0))
    assert run.data is None
    assert parse_run_config("", "x") == RunConfig()


@pytest.mark.parametrize("name", PRESETS)
def test_a_resolved_run_reads_back_equal(name: str, tmp_path: Path) -> None:
    run = RunConfig(
        preset(name, FASHIONAI, input_size=(128, 192)),
        TrainSettings(learning_rate=3e-5, augmentation=Augmentation(flip=0.0)),
        DataConfig("fashionai:some folder", holdout=100, split_seed=3, categories=("skirt", "dress"), skip_bad=True),
    )
    path = tmp_path / "run.toml"
    write_run_config(path, run)
    assert read_run_config(path) == run
    written = path.read_text()
    # Resolved: every field that has a value is there, whatever its default is.
    for key, value in msgspec.to_builtins(run.train).items():
        assert (f"\n{key} = " in written) == (value is not None and not isinstance(value, dict)), key
    assert 'schema = "fashionai24"' in written


def test_a_schema_of_ones_own_is_written_in_full() -> None:
    schema = LandmarkSchema("mine", ("a", "b"), (1, 0), {"bag of things": (0, 1)}, groups={"A & B": (0, 1)})
    run = RunConfig(preset("tiny", schema))
    read = parse_run_config(dump_run_config(run), "x")
    assert read == run
    assert network_config(read.model or PresetModel("tiny"), FASHIONAI).schema == schema
    # The name of a shipped schema with other content is no reference to it.
    other = RunConfig(preset("tiny", msgspec.structs.replace(FASHIONAI, groups={})))
    assert parse_run_config(dump_run_config(other), "x") == other


def test_a_preset_becomes_an_architecture() -> None:
    run = parse_run_config('[model]\npreset = "lite"\nstages = 2\ninput_size = [128, 192]\n', "x")
    assert run.model is not None
    assert network_config(run.model, FASHIONAI) == preset("lite", FASHIONAI, stages=2, input_size=(128, 192))
    narrow = parse_run_config('[model]\npreset = "paper"\nwidth = 0.5\n', "x").model
    assert narrow is not None
    assert network_config(narrow, FASHIONAI) == preset("paper", FASHIONAI, width=0.5)
    assert parse_run_config(dump_run_config(run), "x") == run


def test_an_architecture_takes_the_schema_of_the_data() -> None:
    written = dump_run_config(RunConfig(preset("tiny", FASHIONAI))).replace('schema = "fashionai24"\n', "")
    assert parse_run_config(f'{written}\n[data]\nspec = "x:y"\nschema = "fashionai24"\n', "x").model == preset(
        "tiny", FASHIONAI
    )
    assert "model.schema is missing" in refused(written)
    assert refused(f'{written}\n[data]\nspec = "x:y"\nschema = "fashionai25"\n').startswith("data.schema: unknown")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[train]\nlerning_rate = 1", ["train.lerning_rate: unknown key; did you mean learning_rate?", "warmup_steps"]),
        ("[train]\nzzz = 1", ["train.zzz: unknown key; valid keys: epochs, batch"]),
        ('[train]\nlearning_rate = "fast"', ['train.learning_rate is "fast"; expected a number']),
        ("[train]\nlearning_rate = -1.5\nepochs = 2", ["train.learning_rate: ", "-1.5", "positive"]),
        ("[train]\nepochs = 0\nlearning_rate = -1", ["train.epochs: ", "0", "positive"]),
        ("[train]\nepochs = 1.5", ["train.epochs is 1.5; expected a whole number"]),
        ("[train]\nepochs = true", ["train.epochs is true; expected a whole number"]),
        ('[train]\nschedule = "cosin"', ['train.schedule is "cosin"; did you mean cosine?', "constant, cosine"]),
        ("[train.augmentation]\nrotate = 3", ["train.augmentation.rotate: unknown key; did you mean rotation?"]),
        ("[train]\naugmentation = true", ["train.augmentation is true; expected a table"]),
        ("[trian]\nepochs = 1", ["trian: unknown table; did you mean train?", "model, train, data"]),
        ("train = 3", ["train is a single value; expected a table"]),
        ('[model]\npresett = "lite"', ["model.presett: unknown key; did you mean preset?"]),
        ('[model]\npreset = "lit"', ['model.preset is "lit"; did you mean lite?', "paper"]),
        ('[model]\npreset = "lite"\nfirst = []', ["model.first: unknown key", "input_size"]),
        ('[model]\npreset = "lite"\nstages = 0', ["model.stages is 0; expected a whole number >= 1"]),
        ('[model]\npreset = "lite"\ninput_size = [3]', ["model.input_size is [3]; expected a list of length 2"]),
        ('[model]\npreset = "lite"\ninput_size = [3, "a"]', ['model.input_size[1] is "a"; expected a whole number']),
        ("[model]\nstages = 3", ["model.preset is missing", "lite"]),
        ('[model]\nkind = "fpmm"', ['model.kind is "fpmm"; did you mean fpm?']),
        ("[data]\nholdout = 3", ["data.spec is missing; expected a text"]),
        ('[data]\nspec = "a:b"\nholdout = 0', ["data.holdout is 0; expected a number > 0"]),
        ('[data]\nspec = "a:b"\ncategories = "skirt"', ['data.categories is "skirt"; expected a list']),
        ('[data]\nspec = "a:b"\ncategories = []', ["data.categories: ", "at least one"]),
        ('[data]\nspec = "a:b"\ncategories = ["a", "a"]', ["data.categories: ", "each once"]),
        ("x = = 3", ["not valid TOML", "line 1"]),
        ("[train]\nepochs = 1\nepochs = 2", ["not valid TOML", "overwrite"]),
    ],
)
def test_a_bad_key_is_named(text: str, said: list[str]) -> None:
    message = refused(text)
    assert message.startswith(said[0])
    for part in said:
        assert part in message


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("kernel = 1,", "kernel = 0,", ["model.first[1].kernel: ", "0", "at least 1"]),
        ("kernel = 5,", "kernle = 5,", ["model.first[0].kernle: unknown key; did you mean kernel?"]),
        ("pool = 1,", "pool = 1.5,", ["model.first[0].pool is 1.5; expected a whole number"]),
        ("share_features_from = 2", "share_features_from = 9", ["model.share_features_from: ", "9", "2 or 3"]),
        ("stages = 3", "stages = 0", ["model.stages: ", "0 stages"]),
        ("stages = 3\n", "", ["model.stages is missing; expected a whole number"]),
        ('"relu6"', '"relu7"', ['model.activation is "relu7"; did you mean relu']),
        ('"fashionai24"', '"fashionai25"', ["model.schema: unknown landmark schema"]),
    ],
)
def test_a_bad_architecture_is_named(right: str, wrong: str, said: list[str]) -> None:
    good = dump_run_config(RunConfig(preset("tiny", FASHIONAI)))
    assert right in good
    message = refused(good.replace(right, wrong, 1))
    assert message.startswith(said[0])
    for part in said:
        assert part in message


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.toml: cannot be read"):
        read_run_config(tmp_path / "nowhere.toml")
    path = tmp_path / "latin.toml"
    path.write_bytes(b"# \xe9\n")
    with pytest.raises(UsageError, match=r"latin\.toml: line \d+: the byte 0x\w\w is not UTF-8"):
        read_run_config(path)
    path.write_text("[train]\nepochs = 3\n", encoding="utf-16")
    with pytest.raises(UsageError, match=r"latin\.toml: UTF-16 text"):
        read_run_config(path)
    path.write_text("[train]\nepochs = 3\n", encoding="utf-8-sig")
    assert read_run_config(path).train.epochs == 3


@pytest.mark.parametrize("kind", [TrainSettings, Augmentation, DataConfig, PresetModel, *KINDS.values()])
def test_none_is_what_a_missing_key_means(kind: type[Any]) -> None:
    """TOML has no null, so a field that may be None must have None as its default, or it would read back changed."""
    for field in inspect.type_info(kind).fields:  # type: ignore[attr-defined]
        if isinstance(field.type, inspect.UnionType) and field.type.includes_none:
            assert field.default is None, field.name


def values_of(name: str, kind: inspect.Type) -> st.SearchStrategy[Any]:
    """Values of one field that the settings accept, some of them at the ends."""
    if isinstance(kind, inspect.UnionType):
        return st.one_of([values_of(name, member) for member in kind.types])
    if isinstance(kind, inspect.LiteralType):
        return st.sampled_from(kind.values)
    if isinstance(kind, inspect.StructType):
        return accepted(kind.cls)
    if isinstance(kind, inspect.VarTupleType):
        return st.lists(values_of(name, kind.item_type), max_size=4).map(tuple)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        inspect.NoneType: st.none(),
        inspect.BoolType: st.booleans(),
        inspect.IntType: st.integers(0, 2**40),
        inspect.FloatType: st.floats(0.0, 1e300) | st.floats(0.0, 1.0, exclude_max=True),
        inspect.StrType: st.text(),
    }
    return plain[type(kind)]


@st.composite
def accepted(draw: st.DrawFn, kind: type[Any]) -> Any:
    """The defaults with other values, one field after the other, where these are accepted."""
    made = kind()
    for field in inspect.type_info(kind).fields:  # type: ignore[attr-defined]
        value = draw(values_of(field.name, field.type))
        try:
            made = msgspec.structs.replace(made, **{field.name: value})
        except FpmEdgeError:
            assume(isinstance(value, int | float | tuple))  # Only numbers out of their range may be refused.
    return made


@given(
    train=accepted(TrainSettings),
    data=st.none()
    | st.builds(
        DataConfig,
        spec=st.text(),
        holdout=st.none() | st.floats(0.0, 1e6, exclude_min=True) | st.text(),
        holdout_digest=st.none() | st.text(),
        split_seed=st.integers(0, 2**31),
        categories=st.none() | st.lists(st.text(), min_size=1, unique=True).map(tuple),
        schema=st.none() | st.text(),
        skip_bad=st.booleans(),
        beside=st.lists(
            st.builds(Beside, share=st.floats(0.0, 1.0, exclude_min=True, exclude_max=True), spec=st.text()), max_size=3
        ).map(tuple),
    ),
)
@settings(max_examples=150, deadline=None)
def test_any_run_reads_back_equal(train: TrainSettings, data: DataConfig | None) -> None:
    run = RunConfig(None, train, data)
    assert parse_run_config(dump_run_config(run), "x") == run
