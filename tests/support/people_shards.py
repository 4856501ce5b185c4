"""A small data set of people, and its shards, for the tests of what comes back and of what is damaged."""

from pathlib import Path

import msgspec
import numpy as np
from PIL import Image

from fpm_edge.data import Dataset, load_dataset
from fpm_edge.data.shard_index import encode_index, load_index
from fpm_edge.data.shard_writer import write_shards
from fpm_edge_runtime.bundle.schema_file import load_schema

SCHEMA = load_schema("lsp14")
COUNT = 12


def people_in(folder: Path) -> Dataset:
    """Twelve pictures of several sizes and forms, cropped by a box, with a joint that is not labelled."""
    folder.mkdir()
    rows = [",".join(["image", *SCHEMA.landmarks])]
    for number in range(COUNT):
        dice = np.random.default_rng(number)
        pixels = dice.integers(0, 256, (60 + 7 * number, 90 + number, 3), dtype=np.uint8)
        name = f"{number}.{('jpg', 'png', 'webp')[number % 3]}"
        Image.fromarray(pixels).save(folder / name)
        points = [
            f"{x:.3f}_{y:.3f}_{v}" for x, y, v in zip(*dice.uniform(1, 58, (2, 14)), [1] * 7 + [0] * 7, strict=True)
        ]
        points[5] = "-1_-1_-1"
        rows.append(",".join([name, *points]))
    (folder / "joints.csv").write_text("\n".join(rows) + "\n")
    return load_dataset(f"lsp:{folder}")


def shards_of(dataset: Dataset, *folders: Path, **options: object) -> Dataset:
    write_shards(dataset, folders, **options)  # type: ignore[arg-type]
    return load_dataset("shards:" + ",".join(str(folder) for folder in folders))


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.tfrecord"))


def rewrite(folder: Path, **changes: object) -> None:
    """Write the index anew, as somebody would who knows the format."""
    index = msgspec.structs.replace(load_index(folder), **changes)
    (folder / "index.json").write_bytes(encode_index(index))
