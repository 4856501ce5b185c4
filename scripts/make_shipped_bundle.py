"""Make the int8 bundle that the wheel ships, `fpm_edge/models/lite-m.fpm`, of the float weights beside it.

    python scripts/make_shipped_bundle.py
    python scripts/make_shipped_bundle.py --calibration fashionai:DIR --holdout dev.txt --nothing nothing:DIR

Options go to ``fpm-edge convert``; what the script decides itself is in `OWN`. The bundle has the TFLite stages only.
Its golden cases, which are pictures, come from drawn garments whatever set the ranges: no photograph is shipped. They
are those that compress best, of all categories, so that the bundle stays within `LARGEST`.
"""

import subprocess
import sys
import tempfile
from itertools import zip_longest
from pathlib import Path

from PIL import Image

from fpm_edge.convert.golden_cases import golden_members
from fpm_edge.data import Dataset, load_dataset, read_image
from fpm_edge.shipped import SHIPPED_MODEL, shipped_bundle, shipped_model
from fpm_edge_calibration.goldens import FEWEST_GOLDENS
from fpm_edge_calibration.png import png_bytes
from fpm_edge_runtime import Bundle, BundleError, check_goldens, open_bundle, write_bundle
from fpm_edge_runtime.pixels.geometry import Letterbox
from fpm_edge_runtime.pixels.image import letterbox

LARGEST = 1_000_000  # bytes: two float models and this bundle are then a wheel of less than 6 MB
DEFAULTS = {"--calibration": "rendered:256@101", "--samples": "128", "--score": "rendered:200@102"}
OWN = {"--int8", "--format", "--reference", "--whole", "-o", "--output"}
GOLDENS = "rendered:120@104/192"
SAME_PX = 0.0  # between formats; there is only one


def main() -> None:
    given = sys.argv[1:]
    options = {word.split("=")[0] for word in given}
    refused = OWN & options
    if refused:
        sys.exit(f"{', '.join(sorted(refused))}: the script decides that; see its first lines")
    with tempfile.TemporaryDirectory() as folder:
        converted = Path(folder) / f"{SHIPPED_MODEL}.fpm"
        # What is held back is what is scored.
        known = options | {"--score"} if "--holdout" in options else options
        defaults = [word for name, value in DEFAULTS.items() if name not in known for word in (name, value)]
        made = ("--int8", "--format", "tflite", "--reference", "-o", str(converted))
        command = (sys.executable, "-m", "fpm_edge", "convert", str(shipped_model()), *defaults, *given, *made)
        done = subprocess.run(command, check=False)
        if done.returncode:
            sys.exit(done.returncode)
        small = Path(folder) / "small.fpm"
        write_bundle(small, open_bundle(converted).manifest, members_of(open_bundle(converted)))
        content = small.read_bytes()
    if len(content) > LARGEST:
        sys.exit(f"the bundle has {len(content)} bytes, more than {LARGEST}; nothing was written")
    report = check_goldens(open_bundle(content).session())
    if not report.ok:
        sys.exit(f"the bundle's golden cases are {report.verdict} here; nothing was written")
    shipped_bundle().write_bytes(content)
    print(f"{shipped_bundle()}: {len(content)} bytes, golden cases {report.verdict}")


def members_of(bundle: Bundle) -> dict[str, bytes]:
    """Stages and card as they are, other golden cases, and no float model."""
    reference = bundle.reference()
    if reference is None:
        raise BundleError("the bundle has no float model to take the golden cases' answers from")
    size = (bundle.manifest.geometry.input_width, bundle.manifest.geometry.input_height)
    drawn = load_dataset(GOLDENS)
    inputs = []
    for record in drawn.records:
        picture = read_image(record)
        inputs.append(letterbox(picture, Letterbox.fit((picture.shape[1], picture.shape[0]), size), size))
    chosen = smallest(drawn, [len(png_bytes(Image.fromarray(picture))) for picture in inputs])
    kept = {name: bundle.read(name) for name in bundle.members if name == "card.md" or name.startswith("stages/")}
    return kept | golden_members(bundle, reference, drawn, chosen, [inputs[i] for i in chosen], SAME_PX)


def smallest(drawn: Dataset, sizes: list[int]) -> list[int]:
    """Indices of `FEWEST_GOLDENS` records, the smallest of each category in turn."""
    order = sorted(range(len(sizes)), key=sizes.__getitem__)
    queues = [[i for i in order if drawn.records[i].category == name] for name in drawn.schema.categories]
    turns = [i for turn in zip_longest(*queues) for i in turn if i is not None]
    return turns[:FEWEST_GOLDENS]


if __name__ == "__main__":
    main()
