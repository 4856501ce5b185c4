#!/usr/bin/env python
"""Parts of the garment photographs, by contributor: benchmarks/garments_lists.py GARMENTS OUT.

GARMENTS holds annotations.csv, contributors.csv, test_images.txt, images/ and others/ (docs/results/garments.md).
OUT gets:

seen/           annotations of all but the test part
dev.txt         a part of it that no weight is trained on: contributors in the order of the hash of their number,
                those with at most 20 photographs, until there are 180
held-N.txt      what is left to train on N photographs: all of dev.txt, and all others but N drawn with a seed
nothing-train/  links to pictures without a garment, by contributors that training sees
nothing-test/   the same by others
"""

import csv
import hashlib
import random
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import click

_DEV_PHOTOGRAPHS = 180
_MOST_OF_ONE = 20  # A part to tune on should be of many people.
_CURVE = (100, 200, 400, 800)
_CURVE_SEED = 0


@click.command()
@click.argument("garments", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("out", type=click.Path(path_type=Path))
def main(garments: Path, out: Path) -> None:
    """Write the parts and print their sizes."""
    test = set((garments / "test_images.txt").read_text("utf-8").split())
    seen: dict[str, list[str]] = defaultdict(list)
    for row in _rows(garments / "contributors.csv"):
        if row["image_id"] not in test:
            seen[row["contributor"]].append(row["image_id"])
    dev = _dev(seen)
    (out / "seen").mkdir(parents=True, exist_ok=True)
    (out / "dev.txt").write_text("\n".join(image for images in dev.values() for image in images) + "\n", "utf-8")
    held = sorted(image for images in dev.values() for image in images)
    trained = sorted(image for name in seen.keys() - dev.keys() for image in seen[name])
    random.Random(_CURVE_SEED).shuffle(trained)
    for count in _CURVE:
        (out / f"held-{count}.txt").write_text("\n".join([*held, *trained[count:]]) + "\n", "utf-8")
    lines = (garments / "annotations.csv").read_text("utf-8").splitlines()
    kept = [lines[0], *(line for line in lines[1:] if line.partition(",")[0] not in test)]
    (out / "seen" / "annotations.csv").write_text("\n".join(kept) + "\n", "utf-8")
    _link(out / "seen" / "images", garments / "images")
    counts = {"train": 0, "test": 0}
    for row in _rows(garments / "others" / "list.csv"):
        part = "train" if row["contributor"] in seen.keys() - dev.keys() else "test"
        counts[part] += 1
        _link(out / f"nothing-{part}" / row["image"], garments / "others" / row["image"])
    print(f"train: {len(trained)} photographs of {len(seen) - len(dev)} contributors")
    print(f"dev: {len(held)} of {len(dev)}; test: {len(test)}")
    print(f"without a garment: {counts['train']} to train on, {counts['test']} to test")


def _dev(seen: dict[str, list[str]]) -> dict[str, list[str]]:
    dev: dict[str, list[str]] = {}
    for contributor in sorted(seen, key=lambda name: hashlib.sha256(name.encode()).hexdigest()):
        if sum(map(len, dev.values())) < _DEV_PHOTOGRAPHS and len(seen[contributor]) <= _MOST_OF_ONE:
            dev[contributor] = seen[contributor]
    return dev


def _rows(path: Path) -> Iterable[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _link(path: Path, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_symlink():
        path.symlink_to(target.resolve())


if __name__ == "__main__":
    main()
