"""The wheel where LiteRT is not: with tflite-runtime, with ONNX Runtime alone, and with OpenVINO alone.

    python scripts/check_fallbacks.py                 all three, each in a fresh environment
    python scripts/check_fallbacks.py onnxruntime     one of them

In each a bundle opens, answers its golden cases and finds landmarks in that engine without its being named, LiteRT's
absence is said in one line that names the engine there, and the runtime's tests pass as far as that engine goes.
tflite-runtime, whose last version is 2.14, needs Python 3.11 and numpy 1.
"""

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from check_wheel import FRESH, build, check_tests, convert_demo, lock_pins, make_tiny_models, run

PLAIN = ("msgspec", "numpy", "pillow")


@dataclass(frozen=True)
class Fallback:
    """One way to run without LiteRT: an engine, its requirement, and what else is pinned otherwise than in the lock."""

    engine: str
    pins: tuple[str, ...] = ()
    python: str | None = None


FALLBACKS = {
    fallback.engine: fallback
    for fallback in (
        Fallback("tflite-runtime", ("tflite-runtime==2.14.0", "numpy==1.26.4"), "3.11"),
        Fallback("onnxruntime"),
        Fallback("openvino"),
    )
}

USE_IT = """
import json, sys
import numpy as np
import fpm_edge_runtime as runtime
bundle = runtime.open_bundle(sys.argv[1])
bundle.check()
session = bundle.session()
report = runtime.check_goldens(session)
case = bundle.golden().cases[0]
found = session.detect(bundle.golden_input(case), category=case.category)
try:
    said = "nothing: LiteRT is there" if bundle.session("litert") else ""
except runtime.MissingExtraError as error:
    said = str(error)
print(json.dumps({"engine": found.engine, "version": session.engine_version, "numpy": np.__version__,
                  "goldens": report.verdict, "stages": found.stages_run,
                  "chosen": runtime.choose_engine(sys.argv[1]).engine,
                  "checked apart": runtime.check_in_child(sys.argv[1]).outcome,
                  "finite": bool(np.isfinite(found.landmarks).all()), "without LiteRT": said}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("engines", nargs="*", metavar="ENGINE", help=f"of {', '.join(FALLBACKS)}; by default all")
    chosen = parser.parse_args().engines or list(FALLBACKS)
    if unknown := sorted(set(chosen) - set(FALLBACKS)):
        parser.error(f"no fallback is called {', '.join(unknown)}; there are {', '.join(FALLBACKS)}")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        wheel, bundle, models = build(work), convert_demo(work), make_tiny_models(work)
        for engine in chosen:
            check(FALLBACKS[engine], wheel, bundle, models, work / engine)
    print(f"fallbacks: {', '.join(chosen)} do what LiteRT does")


def check(fallback: Fallback, wheel: Path, bundle: Path, models: Path, folder: Path) -> None:
    """Install the wheel without its dependencies, the engine and the other dependencies beside it, and use it."""
    run(_python(fallback.python), "-m", "venv", str(folder))
    python = str(folder / "bin" / "python")
    ours = {pin.partition("==")[0] for pin in fallback.pins}
    constraints = folder / "constraints.txt"
    pins = [pin for pin in lock_pins() if pin.partition("==")[0] not in ours]
    constraints.write_text("\n".join([*pins, *fallback.pins]) + "\n")
    install = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*install, "--no-deps", str(wheel), env=FRESH)
    run(*install, "-c", str(constraints), fallback.engine, *PLAIN, env=FRESH)
    result = json.loads(run(python, "-W", "error", "-c", USE_IT, str(bundle), env=FRESH).strip().splitlines()[-1])
    said = result.pop("without LiteRT")
    if "pip install ai-edge-litert" not in said or f"installed here: {fallback.engine}" not in said:
        sys.exit(
            f"{fallback.engine} alone: asked for LiteRT, it says {said!r}; expected what to install, and the engine"
        )
    version, numpy = result.pop("version"), result.pop("numpy")
    expected = {
        "engine": fallback.engine,
        "goldens": "ok",
        "stages": 3,
        "chosen": fallback.engine,
        "checked apart": "ok",
        "finite": True,
    }
    if result != expected:
        sys.exit(f"{fallback.engine} alone: {result}, expected {expected}")
    print(f"{fallback.engine} {version} with numpy {numpy}: goldens ok")
    check_tests(python, constraints, models)


def _python(version: str | None) -> str:
    """A Python of this version, or the one that runs this."""
    if version is None or sys.version.startswith(f"{version}."):
        return sys.executable
    found = shutil.which(f"python{version}")
    if found is None:
        sys.exit(f"there is no python{version} on the path, which this fallback needs; install it, or name the others")
    return found


if __name__ == "__main__":
    main()
