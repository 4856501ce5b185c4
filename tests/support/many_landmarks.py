"""A small data set in DeepFashion2's form: 13 categories, 294 landmarks, drawn as plain discs."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from fpm_edge_runtime.bundle.schema_file import load_schema

__all__ = ["SCHEMA", "draw_deepfashion2", "item_of"]

SCHEMA = load_schema("deepfashion2")
# Category → height of its garments as a multiple of their width.
_SHAPES = {name: 0.8 + 0.1 * number for number, name in enumerate(SCHEMA.categories)}


def _places(category: str) -> list[tuple[float, float]]:
    """Where the landmarks of a category lie, −1 to 1: pairs opposite each other on a circle, the others on its axis."""
    indices = SCHEMA.categories[category]
    firsts = [index for index in indices if SCHEMA.flip[index] > index]
    middle = [index for index in indices if SCHEMA.flip[index] == index]
    places = {index: (0.0, 1.8 * (n + 1) / (len(middle) + 1) - 0.9) for n, index in enumerate(middle)}
    for n, index in enumerate(firsts):
        angle = np.pi * (n + 1) / (len(firsts) + 1)
        places[index] = (-np.sin(angle), -np.cos(angle))
        places[SCHEMA.flip[index]] = (np.sin(angle), -np.cos(angle))
    return [places[index] for index in indices]


def item_of(category: str, box: tuple[int, int, int, int], **fields: Any) -> dict[str, Any]:
    """An item with its landmarks in the box; every fifth is occluded, every seventh not labelled."""
    x0, y0, x1, y1 = box
    values: list[float] = []
    for number, (across, down) in enumerate(_places(category)):
        x = round((x0 + x1) / 2 + 0.48 * (x1 - x0) * across)
        y = round((y0 + y1) / 2 + 0.48 * (y1 - y0) * down)
        values += (0, 0, 0) if number % 7 == 6 else (x, y, 1 if number % 5 == 4 else 2)
    number = list(SCHEMA.categories).index(category) + 1
    return {
        "category_id": number,
        "category_name": category.replace("_", " "),
        "bounding_box": list(box),
        "landmarks": values,
        "segmentation": [],
        "style": 0,
        "scale": 2,
        "occlusion": 1,
        "zoom_in": 1,
        "viewpoint": 2,
        **fields,
    }


def draw_deepfashion2(folder: Path, pictures: int, *, seed: int = 0, side: int = 96) -> None:
    """Write `pictures` pictures, with one or two garments each, every category in turn.

    A garment is a disc with its landmarks drawn in, so that there is something to find.
    """
    dice = np.random.default_rng(seed)
    (folder / "annos").mkdir(parents=True)
    (folder / "image").mkdir()
    names = list(SCHEMA.categories)
    for picture in range(pictures):
        image = Image.fromarray(dice.integers(90, 166, (side, side, 3), dtype=np.uint8))
        pen = ImageDraw.Draw(image)
        document: dict[str, Any] = {"source": "shop", "pair_id": picture + 1}
        for place in range(1 + picture % 2):
            category = names[(picture + 5 * place) % len(names)]
            width = int(dice.integers(side // 3, side // 2 - 4))
            height = min(int(width * _SHAPES[category]), side - 4)
            x0 = 2 + place * side // 2
            y0 = int(dice.integers(2, side - height - 1))
            item = item_of(category, (x0, y0, x0 + width, y0 + height))
            table = np.array(item["landmarks"]).reshape(-1, 3)
            points = [(x, y) for x, y, v in table.tolist() if v]
            pen.ellipse((x0, y0, x0 + width, y0 + height), fill=tuple(dice.integers(0, 256, 3).tolist()))
            for x, y in points:
                pen.ellipse((x - 1, y - 1, x + 1, y + 1), fill=(255, 255, 255))
            document[f"item{place + 1}"] = item
        (folder / "annos" / f"{picture + 1:06d}.json").write_text(json.dumps(document))
        image.save(folder / "image" / f"{picture + 1:06d}.jpg", quality=95)
