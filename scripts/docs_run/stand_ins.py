"""What the pages take for granted, small: photographs in FashionAI's layout, a trained model, its bundles, a film.

Each is made once, where a page first names it, and copied into the folder of the page.
"""

import re
import shutil
import subprocess
from pathlib import Path

__all__ = ["StandIns"]

_DRAW = """
import sys
from pathlib import Path
from PIL import Image
from fpm_edge.data import load_dataset, read_image
for record, name in zip(load_dataset("rendered:3@101/192").records, sys.argv[1:]):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(read_image(record)).save(name)
"""
_FILM = """
import sys
from pathlib import Path
from fpm_edge.data import load_dataset, read_image
from fpm_edge.pictures.video import VideoFile
with VideoFile(Path(sys.argv[1]), 10.0) as film:
    for record in load_dataset("rendered:4@101/192").records:
        film.write(read_image(record))
"""
_WALLS = """
import sys
from pathlib import Path
from PIL import Image
folder = Path(sys.argv[1])
folder.mkdir()
for i in range(12):
    Image.linear_gradient("L").resize((192, 192)).rotate(30 * i).convert("RGB").save(folder / f"{i}.png")
"""
_LOG = """
import sys
from pathlib import Path
from fpm_edge.data import load_dataset, read_image
from fpm_edge_runtime import DriftLog, DriftMonitor, Shadow, open_bundle
bundle = open_bundle(sys.argv[1])
session, reference = bundle.session(), bundle.reference().session(threads=1)
log = DriftLog(Path(sys.argv[2]))
with Shadow(session, reference, DriftMonitor.of_bundle(bundle), rate=1.0, spacing_s=0.0, log=log) as shadow:
    for record in load_dataset("rendered:4@101/192").records:
        shadow.detect(read_image(record))
    shadow.flush()
"""
_YOLO = """
import sys
from pathlib import Path
from PIL import Image
from fpm_edge.data import load_dataset, read_image
images, labels, config = map(Path, sys.argv[1:])
images.mkdir()
labels.mkdir()
dataset = load_dataset("rendered:6@1/128")
schema = dataset.schema
for i, record in enumerate(dataset.records):
    Image.fromarray(read_image(record)).save(images / f"{i}.png")
    points = " ".join(
        f"{x / 128:.5f} {y / 128:.5f} {v + 1}" for (x, y), v in zip(record.landmarks.clip(0, 127.9), record.visibility)
    )
    (labels / f"{i}.txt").write_text(f"{list(schema.categories).index(record.category)} 0.5 0.5 1 1 {points}\\n")
config.write_text(
    f"train: images\\nval: images\\nkpt_shape: [{len(schema.landmarks)}, 3]\\nnames: {list(schema.categories)}\\n"
    f"flip_idx: {list(schema.flip)}\\nkpt_names: {{0: {list(schema.landmarks)}}}\\n"
)
"""


def _edge(line: str, *needs: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return ("fpm-edge", *line.split()), needs


def _python(program: str, *names: str, needs: tuple[str, ...] = ()) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return ("python", "-c", program, *names), needs


def _copy(source: str, target: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return ("cp", "-r", source, target), (source,)


_HELD = "--data fashionai:DIR --holdout 60"
_RANGES = "--calibration fashionai:DIR --holdout 60"
_BUDGETS = "--max-ne-drift 10 --max-part-drift 20"
# Name → the command that makes it in the folder of stand-ins, and those that it needs.
_HOW = {
    "DIR": _edge("data convert rendered:130@1/128 --to fashionai -o DIR"),
    "CCP": _copy("DIR", "CCP"),
    "runs/mine": _edge(f"train --from lite-m --recipe finetune --epochs 1 --input-size 96 {_HELD} -o runs/mine", "DIR"),
    "mine.fpm": _edge(f"convert runs/mine --int8 {_RANGES} --reference {_BUDGETS} -o mine.fpm", "runs/mine"),
    "mine-float.fpm": _edge(f"convert runs/mine --fp32 {_RANGES} -o mine-float.fpm", "runs/mine"),
    "lite.fpm": _edge("convert lite-m --int8 --calibration rendered:96@2/192 --reference -o lite.fpm"),
    "old.fpm": _copy("lite.fpm", "old.fpm"),
    "new.fpm": _copy("mine.fpm", "new.fpm"),
    "garments.fpm": _copy("lite.fpm", "garments.fpm"),
    "photo.jpg": _python(_DRAW, "photo.jpg"),
    "photo.png": _python(_DRAW, "photo.png"),
    "FOLDER": _python(_DRAW, "FOLDER/a.png", "FOLDER/b.png"),
    "clip.mp4": _python(_FILM, "clip.mp4"),
    "walls": _python(_WALLS, "walls"),
    "data.yaml": _python(_YOLO, "images", "labels", "data.yaml"),
    "drift.jsonl": _python(_LOG, "lite.fpm", "drift.jsonl", needs=("lite.fpm",)),
    "kiosk-state/drift.jsonl": _copy("drift.jsonl", "kiosk-state/drift.jsonl"),
    "base/report": _edge(f"report mine.fpm mine-float.fpm {_HELD} -o base/report", "mine.fpm", "mine-float.fpm"),
    "out/report": _copy("base/report", "out/report"),
    "pi.json": _edge("bench mine.fpm mine-float.fpm --quick --export pi.json", "mine.fpm", "mine-float.fpm"),
    "phone.json": _copy("pi.json", "phone.json"),
    "pixel.json": _copy("pi.json", "pixel.json"),
}
# What stands beside one and has to come along.
_BESIDE = {"data.yaml": ("images", "labels")}
# As pages write it, where the name alone may mean something else.
_WRITTEN = {"DIR": "fashionai:DIR", "CCP": "fashionai:CCP", "walls": "nothing:walls"}


class StandIns:
    """A folder of what has been made so far.

    Args:
        folder: an empty one, for all pages.
        environment: that commands run in.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._environment = environment

    def put(self, commands: str, page: Path) -> list[str]:
        """Put what `commands` name, do not make themselves, and is not there yet, into the folder of a page.

        Returns:
            Their names.

        Raises:
            RuntimeError: one cannot be made; with what its command said.
        """
        put = []
        for name in _HOW:
            written = _WRITTEN.get(name, name)
            named = re.search(rf"(?<![\w./-]){re.escape(written)}(?![\w-]|\.\w)", commands)
            made = named and re.search(r"(-o|--export|--overlay|>) $", commands[: named.start()])
            if named and not made and not (page / name).exists():
                self._make(name)
                for one in (name, *_BESIDE.get(name, ())):
                    _copy_tree(self._folder / one, page / one)
                put.append(name)
        return put

    def _make(self, name: str) -> None:
        path = self._folder / name
        if path.exists():
            return
        command, needs = _HOW[name]
        for needed in needs:
            self._make(needed)
        path.parent.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(command, cwd=self._folder, env=self._environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"stand-in {name}: {' '.join(command)}\n{done.stdout}\n{done.stderr}")


def _copy_tree(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copyfile(source, target)
