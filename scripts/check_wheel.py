"""Build the wheel, check what it holds, and use it in a fresh environment that has only its plain dependencies.

The fresh environment proves what a device needs: no TensorFlow, no click; a bundle opens and finds landmarks, with so
much code loaded (decision 0017), and the runtime's own tests pass. Then the extra `cli` is added, and `fpm-edge run`
finds landmarks with the bundle that the wheel brings: on a drawn garment, and with FPM_EDGE_DATA on three photographs.
"""

import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"fpm_edge", "fpm_edge_calibration", "fpm_edge_converters", "fpm_edge_runtime"}
MODELS = ("lite-m", "lite-s")
SHIPPED_BUNDLE = "fpm_edge/models/lite-m.fpm"
MUST_HOLD = {
    *(f"{package}/py.typed" for package in PACKAGES),
    *(
        f"fpm_edge/models/{model}/{file}"
        for model in MODELS
        for file in ("card.md", "config.json", "weights.safetensors")
    ),
    SHIPPED_BUNDLE,
    "fpm_edge/report/script/filter.js",
    "fpm_edge/report/sections/pareto.html",
    "fpm_edge/report/style/base.css",
    "fpm_edge/report/template.html",
    "fpm_edge_runtime/schemas/deepfashion2.toml",
    "fpm_edge_runtime/schemas/deepfashion8.toml",
    "fpm_edge_runtime/schemas/fashionai24.toml",
    "fpm_edge_runtime/schemas/lsp14.toml",
}
# Bytes: float weights of lite-m and lite-s, at most 5 MB before compression; the int8 bundle, at most 1 MB; the code.
LARGEST_WHEEL = 6_000_000
LONGEST_RUN = 2.0  # seconds of processor time from `fpm-edge run` to the picture; what others compute does not count
MOST_LOADED = 150_000  # bytes of our source that a device loads to open a bundle, check itself and find landmarks
# For a fresh environment: whatever is on the path of this one would hide what the wheel brings.
FRESH = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

USE_IT = """
import json, sys
from pathlib import Path
import numpy as np
import fpm_edge_runtime as runtime
before = sorted(name for name in ("tensorflow", "click", "rich", "onnx", "onnxruntime") if name in sys.modules)
bundle = runtime.open_bundle(sys.argv[1])
session = bundle.session()
report = runtime.check_goldens(session)
case = bundle.golden().cases[0]
found = session.detect(bundle.golden_input(case), category=case.category)
own = [m.__file__ for name, m in sys.modules.items() if name.partition(".")[0] == "fpm_edge_runtime"]
loaded = sum(Path(file).stat().st_size for file in own)
missing = []
for name in ("tensorflow", "click", "rich", "onnx", "onnxruntime"):
    try:
        __import__(name)
    except ModuleNotFoundError:
        missing.append(name)
print(json.dumps({"loaded": before, "missing": missing, "goldens": report.verdict, "stages": found.stages_run,
                  "finite": bool(np.isfinite(found.landmarks).all()), "source": loaded}))
"""


# By the toolkit, outside of the fresh environment.
DRAW_IT = """
import sys
from PIL import Image
from fpm_edge.data import load_dataset, read_image
Image.fromarray(read_image(load_dataset("rendered:1@101").records[0])).save(sys.argv[1])
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        wheel = build(work)
        check_contents(wheel)
        check_fresh(wheel, convert_demo(work), make_tiny_models(work), work / "fresh")
    print("wheel: contents and fresh environment are as they must be")


def build(folder: Path) -> Path:
    """The wheel, built from the working tree."""
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    return wheel


def convert_demo(folder: Path) -> Path:
    """The shipped model as an int8 bundle."""
    bundle = folder / "demo.fpm"
    run(
        sys.executable, "-m", "fpm_edge", "convert", str(ROOT / "fpm_edge/models/lite-m"),
        "--int8", "--calibration", "rendered:32@101", "--samples", "16", "-o", str(bundle),
    )  # fmt: skip
    return bundle


def make_tiny_models(folder: Path) -> Path:
    """A folder of the models that the runtime's tests use, which only the toolkit can make."""
    models = folder / "models"
    models.mkdir()
    run(sys.executable, str(ROOT / "tests/runtime/_tiny_network.py"), str(models))
    return models


def lock_pins() -> list[str]:
    """The lines of the lock that name a package and its version."""
    return [line for line in (ROOT / "requirements.lock").read_text().splitlines() if re.match(r"[a-z]", line)]


def check_contents(wheel: Path) -> None:
    """Only the four packages and what they need, nothing of the tests, data or caches."""
    names = set(zipfile.ZipFile(wheel).namelist())
    missing = MUST_HOLD - names
    if missing:
        sys.exit(f"the wheel lacks {sorted(missing)}")
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    if tops != PACKAGES:
        sys.exit(f"the wheel holds {sorted(tops ^ PACKAGES)} beside or instead of the four packages")
    strange = [n for n in names - {SHIPPED_BUNDLE} if "__pycache__" in n or re.search(r"\.(jpe?g|png|fpm|pyc)$", n)]
    if strange:
        sys.exit(f"the wheel holds {strange}")
    if wheel.stat().st_size > LARGEST_WHEEL:
        sys.exit(f"the wheel has {wheel.stat().st_size} bytes, more than {LARGEST_WHEEL}")


def check_fresh(wheel: Path, bundle: Path, models: Path, folder: Path) -> None:
    """Install the plain wheel alone, pinned as the lock says, and find landmarks with it."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(lock_pins()) + "\n")
    run(
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-c",
        str(constraints),
        str(wheel),
        env=FRESH,
    )
    loaded = check_plain(python, bundle)
    print(f"the runtime: {loaded / 1e3:.0f} kB of source are loaded to find landmarks")
    check_tests(python, constraints, models)
    check_run(python, wheel, constraints, folder / "run")


def check_plain(python: str, bundle: Path) -> int:
    """The plain install finds landmarks and says what it lacks; bytes of its own source that it loads for them."""
    result = json.loads(run(python, "-W", "error", "-c", USE_IT, str(bundle), env=FRESH).strip().splitlines()[-1])
    loaded = int(result.pop("source"))
    if loaded > MOST_LOADED:
        sys.exit(f"finding landmarks loads {loaded} bytes of the runtime's source, more than {MOST_LOADED}")
    expected = {
        "loaded": [],
        "missing": ["tensorflow", "click", "rich", "onnx", "onnxruntime"],
        "goldens": "ok",
        "stages": 3,
        "finite": True,
    }
    if result != expected:
        sys.exit(f"in the fresh environment: {result}, expected {expected}")
    command = [str(Path(python).with_name("fpm-edge")), "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=False, env=FRESH)
    if said.returncode != 5 or "fpm-edge[cli]" not in said.stderr or "Traceback" in said.stderr:
        sys.exit(f"`fpm-edge` without click: exit code {said.returncode}, {said.stderr!r}; expected 5 and the extra")
    return loaded


def check_run(python: str, wheel: Path, constraints: Path, folder: Path) -> None:
    """`fpm-edge run` with neither bundle nor category, from the wheel and the extra `cli` alone."""
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", str(constraints))
    run(python, *install, f"{wheel}[cli]", env=FRESH)
    folder.mkdir()
    garment = folder / "garment.png"
    run(sys.executable, "-c", DRAW_IT, str(garment))
    pictures = [garment]
    if data := os.environ.get("FPM_EDGE_DATA"):
        pictures += sorted((Path(data) / "garments_cc0" / "images").glob("*.jpg"))[:3]
    else:
        print("fpm-edge run: no photographs, FPM_EDGE_DATA is not set")
    for picture in pictures:
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [str(Path(python).with_name("fpm-edge")), "run", str(picture), "--overlay", "out", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=FRESH, cwd=folder)
        wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if done.returncode or "using the shipped bundle" not in done.stderr:
            sys.exit(f"fpm-edge run {picture}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
        (answer,) = json.loads(done.stdout)
        if not (folder / answer["overlay"]).is_file():
            sys.exit(f"fpm-edge run {picture}: {answer['overlay']} was not written")
        if seconds > LONGEST_RUN:
            sys.exit(f"fpm-edge run {picture} takes {seconds:.2f} s of the processor, more than {LONGEST_RUN}")
        print(
            f"fpm-edge run {picture.name}: {answer['category'] or 'category not known'}, "
            f"{len(answer['landmarks'])} landmarks, {wall:.2f} s ({seconds:.2f} s of the processor)"
        )


def check_tests(python: str, constraints: Path | None, models: Path) -> str:
    """The runtime's tests, against the installed wheel, on models that the toolkit made; pytest's last line."""
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(python, *install, *(("-c", str(constraints)) if constraints else ()), "pytest", "hypothesis", env=FRESH)
    # Not `python -m pytest`, which would put the working tree on the path.
    command = [str(Path(python).with_name("pytest")), "-p", "no:cacheprovider", str(ROOT / "tests/runtime")]
    environment = FRESH | {"FPM_EDGE_TINY_MODELS": str(models)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the runtime's tests in the fresh environment:\n{done.stdout}\n{done.stderr}")
    last = done.stdout.strip().splitlines()[-1]
    print(f"its tests there: {last}")
    return last


def run(*command: str, env: Mapping[str, str] | None = None) -> str:
    """Run a command; its output, or an end with it."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
