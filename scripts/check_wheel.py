"""Build the wheel, check what it holds, and use it in a fresh environment that has only its plain dependencies.

The fresh environment proves what a device needs: no TensorFlow, no click; a bundle opens and finds landmarks, with so
much code loaded (decision 0017), and the runtime's own tests pass.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"fpm_edge", "fpm_edge_calibration", "fpm_edge_converters", "fpm_edge_runtime"}
MUST_HOLD = {
    *(f"{package}/py.typed" for package in PACKAGES),
    "fpm_edge/models/lite-fashionai24/card.md",
    "fpm_edge/models/lite-fashionai24/config.json",
    "fpm_edge/models/lite-fashionai24/weights.safetensors",
    "fpm_edge/report/script/filter.js",
    "fpm_edge/report/sections/pareto.html",
    "fpm_edge/report/style/base.css",
    "fpm_edge/report/template.html",
    "fpm_edge_runtime/schemas/deepfashion2.toml",
    "fpm_edge_runtime/schemas/deepfashion8.toml",
    "fpm_edge_runtime/schemas/fashionai24.toml",
    "fpm_edge_runtime/schemas/lsp14.toml",
}
LARGEST_WHEEL = 5_000_000  # bytes; the shipped weights are most of it
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
        sys.executable, "-m", "fpm_edge", "convert", str(ROOT / "fpm_edge/models/lite-fashionai24"),
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
    strange = [n for n in names if "__pycache__" in n or re.search(r"\.(jpg|jpeg|png|fpm|pyc)$", n)]
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
    result = json.loads(run(python, "-W", "error", "-c", USE_IT, str(bundle), env=FRESH).strip().splitlines()[-1])
    loaded = result.pop("source")
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
    command = [str(folder / "bin" / "fpm-edge"), "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=False, env=FRESH)
    if said.returncode != 5 or "fpm-edge[cli]" not in said.stderr or "Traceback" in said.stderr:
        sys.exit(f"`fpm-edge` without click: exit code {said.returncode}, {said.stderr!r}; expected 5 and the extra")
    print(f"the runtime: {loaded / 1e3:.0f} kB of source are loaded to find landmarks")
    check_tests(python, constraints, models)


def check_tests(python: str, constraints: Path, models: Path) -> None:
    """The runtime's tests, against the installed wheel, on models that the toolkit made."""
    install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-c", str(constraints))
    run(python, *install, "pytest", "hypothesis", env=FRESH)
    # Not `python -m pytest`, which would put the working tree on the path.
    command = [str(Path(python).with_name("pytest")), "-p", "no:cacheprovider", str(ROOT / "tests/runtime")]
    environment = FRESH | {"FPM_EDGE_TINY_MODELS": str(models)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the runtime's tests in the fresh environment:\n{done.stdout}\n{done.stderr}")
    print(f"its tests there: {done.stdout.strip().splitlines()[-1]}")


def run(*command: str, env: Mapping[str, str] | None = None) -> str:
    """Run a command; its output, or an end with it."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
