"""A card says what is known, nothing else, and warns where it must."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fpm_edge.accuracy.evaluate import Evaluation, evaluate
from fpm_edge.accuracy.model_card import CARD, ModelCard, card_text, data_facts, tool_versions, write_card
from fpm_edge.accuracy.predict import Predictions, predict_mean_shape, truth_of
from fpm_edge.data import Dataset, Record, load_dataset
from fpm_edge.model import preset
from fpm_edge.model.kinds import KINDS
from fpm_edge.train.loop import EpochLog
from fpm_edge.train.settings import Augmentation, TrainSettings
from fpm_edge_runtime import load_schema

SCHEMA = load_schema("fashionai24")
STAGES = ("stage_1", "stage_2", "stage_3")


@pytest.fixture(scope="module")
def drawn() -> Dataset:
    return load_dataset("rendered:30@5/64")


@pytest.fixture(scope="module")
def photographs(drawn: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Skirts and dresses whose pictures are files."""
    path = tmp_path_factory.mktemp("photographs") / "photo.jpg"
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(path)
    chosen = drawn.subset(categories=("skirt", "dress"))
    records = tuple(replace(record, image=path) for record in chosen.records)
    return replace(chosen, records=records, name="shop")


def measured(dataset: Dataset, shift: float) -> Evaluation:
    """Two stages that are wrong by `shift` and by half of it."""
    truth = truth_of(dataset)
    offset = np.array([64.0, 0.0], np.float32) * shift
    landmarks = np.stack([truth.landmarks + offset, truth.landmarks + offset / 2], axis=1)
    sizes = np.full((len(dataset), 2), 64.0)
    predictions = Predictions(landmarks, np.ones(landmarks.shape[:3], np.float32), sizes)
    return evaluate(predictions, truth, dataset.schema, dataset.name)


def full(dataset: Dataset, **changes: Any) -> ModelCard:
    held = measured(dataset, 0.04)
    floor = evaluate(predict_mean_shape(dataset, dataset), truth_of(dataset), dataset.schema, dataset.name)
    card = ModelCard(
        name="mine",
        config=preset("lite", SCHEMA),
        training=data_facts(dataset),
        recipe="lite",
        settings=TrainSettings(epochs=2, learning_rate=3e-4, augmentation=Augmentation(rotation=7.0)),
        origin="lite-m",
        command=("fpm-edge", "train", "--data", "fashionai:my photographs"),
        seeds={"split": 9},
        versions={"tensorflow": "2.21.0", "fpm-edge": "0.1.0"},
        losses=(EpochLog(1, STAGES, (3.0, 2.0, 1.5), 9.0), EpochLog(2, STAGES, (1.25, 1.0, 0.125), 9.0)),
        held=held,
        floor=floor,
    )
    return replace(card, **changes)


def section(text: str, title: str) -> str:
    return text.split(f"## {title}\n")[1].split("\n## ")[0]


def test_everything_that_is_known_is_said(photographs: Dataset) -> None:
    card = full(photographs)
    text = card_text(card)
    assert text.startswith("# mine\n")
    assert "3 stages, input 192 × 192 pixels, heatmaps 24 × 24 (stride 8), 0.73 M parameters, 0.46 GMAC" in text
    assert "24 landmarks of schema `fashionai24`" in text
    training = section(text, "Training")
    counts = {c: sum(r.category == c for r in photographs.records) for c in ("dress", "skirt")}
    assert f"shop, {len(photographs)} records (dress {counts['dress']}, skirt {counts['skirt']})." in training
    for part in (photographs.digest, "`lite`", "lite-m", "epochs 2", "learning_rate 0.0003", "split 9"):
        assert part in training
    assert "augmentation.rotation 7.0" in training
    assert "\n    fpm-edge train --data 'fashionai:my photographs'\n" in training
    assert "| epoch | stage 1 | stage 2 | stage 3 |" in section(text, "Training loss")
    assert "| 2 | 1.25 | 1 | 0.125 |" in section(text, "Training loss")
    accuracy = section(text, "Accuracy")
    assert f"{len(photographs)} held-out records of shop" in accuracy
    assert card.held is not None
    assert card.floor is not None
    for number, stage in enumerate(card.held.stages, start=1):
        assert f"| {number} | {stage.ne.mean:.4f} | {stage.contest_ne.mean:.4f} |" in accuracy
    assert "| 2 | 0.0200 |" in accuracy
    assert f"| {card.floor.stages[0].ne.mean:.4f} |" in accuracy.replace("  ", " ")
    assert section(text, "Made with").split() == ["-", "fpm-edge", "0.1.0", "-", "tensorflow", "2.21.0"]


def test_the_same_facts_give_the_same_text(photographs: Dataset) -> None:
    assert card_text(full(photographs)) == card_text(full(photographs))


def test_what_is_not_known_is_left_out() -> None:
    text = card_text(ModelCard("bare", preset("tiny", SCHEMA)))
    for title in ("Training", "Training loss", "Made with"):
        assert f"## {title}\n" not in text
    assert "None" not in text
    assert "|" not in text
    assert "Not measured" in section(text, "Accuracy")
    assert "No accuracy is known" in section(text, "Limits")


def test_drawn_garments_are_named_as_such(drawn: Dataset, photographs: Dataset) -> None:
    text = card_text(full(drawn))
    assert "all drawn by a program" in text
    assert "Photographs, as it is" in section(text, "Not good for")
    assert "drawn garments only" in section(text, "Limits")
    assert "as a start for training" in section(text, "Good for")
    real = card_text(full(photographs))
    assert "drawn" not in real
    assert "pictures that training did not see" not in section(real, "Limits")
    mixed = replace(drawn, records=drawn.records[:3] + photographs.records)
    said = card_text(full(photographs, training=data_facts(mixed)))
    assert "3 of them drawn by a program" in section(said, "Training")
    assert f"3 of {len(mixed)} training garments were drawn" in section(said, "Limits")
    assert "Photographs, as it is" not in said


def test_categories_without_garments_are_named(photographs: Dataset) -> None:
    text = card_text(full(photographs))
    assert "blouse, outwear, trousers: no garment of this kind" in section(text, "Not good for")
    assert "these categories only: dress, skirt." in section(text, "Limits")


def test_derived_landmarks_and_small_sets_are_limits(photographs: Dataset) -> None:
    text = card_text(full(photographs, training=data_facts(photographs, derived=True), held_derived=True))
    assert "not marked by people" in section(text, "Training")
    limits = section(text, "Limits")
    assert "training landmarks are derived" in limits
    assert "held-out landmarks are derived" in limits
    assert f"small ({len(photographs)} records)" in limits
    plain = card_text(full(photographs))
    assert "derived" not in plain
    held = full(photographs).held
    assert held is not None
    assert "small (" not in card_text(full(photographs, held=replace(held, pictures=5000)))


def test_no_better_than_the_floor_is_said(photographs: Dataset) -> None:
    assert "no better than that of the mean shape" not in card_text(full(photographs))
    assert "no better than that of the mean shape" in card_text(full(photographs, held=measured(photographs, 9.0)))
    broken = measured(photographs, float("nan"))
    assert "no better than that of the mean shape" in card_text(full(photographs, held=broken))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_network_has_words(kind: str) -> None:
    config = preset("lite" if kind == "fpm" else kind, SCHEMA)
    text = card_text(ModelCard("x", config, parameters=1_250_000))
    assert f"architecture `{config.name}`" in text
    assert "1.25 M parameters" in text


def test_a_convolutional_pose_machine_is_not_called_another() -> None:
    assert "A Convolutional Pose Machine (architecture `cpm`)" in card_text(ModelCard("x", preset("cpm", SCHEMA)))


def test_a_card_is_written_whole(tmp_path: Path, photographs: Dataset) -> None:
    card = full(photographs)
    (tmp_path / CARD).write_text("an older card")
    write_card(tmp_path, card)
    assert (tmp_path / "card.md").read_text("utf-8") == card_text(card)
    assert [path.name for path in tmp_path.iterdir()] == ["card.md"]
    with pytest.raises(OSError, match="no folder"):
        write_card(tmp_path / "nowhere", card)


def test_facts_of_data(drawn: Dataset) -> None:
    facts = data_facts(drawn.subset(categories=("trousers", "skirt")))
    assert list(facts.categories) == ["skirt", "trousers"]
    assert sum(facts.categories.values()) == facts.records == facts.rendered
    assert not facts.derived
    record: Record = drawn.records[0]
    assert facts.digest != data_facts(replace(drawn, records=(record,))).digest


def test_versions_are_those_installed() -> None:
    from importlib.metadata import version

    found = tool_versions()
    assert found["tensorflow"] == version("tensorflow")
    assert found["fpm-edge"] == version("fpm-edge")


def test_what_was_beside_the_data_is_said(drawn: Dataset, photographs: Dataset) -> None:
    silent = TrainSettings(absent_weight=0.5, category_weight=2.0)
    text = card_text(full(photographs, beside=[(0.25, data_facts(drawn))], settings=silent))
    assert "- Beside it, 25% of each epoch: rendered-30-5-64, 30 records, all drawn by a program." in text
    assert "no garment of this kind" not in text
    assert "it must be told the category" not in text
    text = card_text(full(drawn, beside=[(0.25, data_facts(photographs))]))
    assert "this training run used none" not in text
    assert "it must be told the category" in text
