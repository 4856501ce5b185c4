"""The wheel on every Python that it is for: the plain install, and each extra but those that need TensorFlow.

    python scripts/check_pythons.py                 all of them
    python scripts/check_pythons.py 3.10 3.12       some

For each that is on the path as `python3.N`: a fresh environment gets the plain wheel, with the newest dependencies that
there are for it (requirements.lock is for the toolkit's Pythons); a bundle opens, answers its golden cases and finds
landmarks, and the runtime's tests pass. Then each extra is added and used. For every Python, there or not, uv chooses
wheels alone, with markers as that Python reads them, on x86-64 and on 64-bit Arm: that is what pip would install,
not that it works. `toolkit` has TensorFlow where `fpm_edge.toolkit` says so, and nowhere else.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path

from check_wheel import DRAW_IT, FRESH, ROOT, build, check_plain, check_tests, convert_demo, make_tiny_models, run

from fpm_edge.toolkit import TENSORFLOW_PYTHONS

PYTHONS = ("3.10", "3.11", "3.12", "3.13", "3.14")
# Jetson's JetPack 6 has Python 3.10 and glibc 2.35.
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_35")
_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = tuple(extra for extra in _PROJECT["optional-dependencies"] if extra not in ("toolkit", "dev"))

ENGINE = """
import sys
import numpy as np
import fpm_edge_runtime as runtime
bundle = runtime.open_bundle(sys.argv[1])
session = bundle.session(sys.argv[2])
case = bundle.golden().cases[0]
found = session.detect(bundle.golden_input(case), category=case.category)
assert found.engine == sys.argv[2] and np.isfinite(found.landmarks).all()
assert runtime.check_goldens(session).verdict == "ok"
"""
SIGN = """
import sys
from pathlib import Path
from fpm_edge.convert.signing import make_keys, sign_bundle
from fpm_edge_runtime import open_bundle
keys = make_keys(Path("key.pem"))
sign_bundle(Path(sys.argv[1]), keys.private, Path("signed.fpm"))
open_bundle("signed.fpm", trusted_keys=[keys.public]).check()
"""
FILM = """
import sys
import numpy as np
from pathlib import Path
from PIL import Image
from fpm_edge.pictures.video import VideoFile
pixels = np.asarray(Image.open(sys.argv[1]).convert("RGB"))
with VideoFile(Path("film.mp4"), 10.0) as film:
    for _ in range(3):
        film.write(pixels)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pythons", nargs="*", metavar="VERSION", help=f"of {', '.join(PYTHONS)}; by default all")
    chosen = tuple(parser.parse_args().pythons) or PYTHONS
    if unknown := sorted(set(chosen) - set(PYTHONS)):
        parser.error(f"the package is not for Python {', '.join(unknown)}; expected some of {', '.join(PYTHONS)}")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        wheel, bundle, models = build(work), convert_demo(work), make_tiny_models(work)
        garment = work / "garment.png"
        run(sys.executable, "-c", DRAW_IT, str(garment))
        rows = []
        for version in chosen:
            python = interpreter(version)
            tried = "not there" if python is None else try_out(python, wheel, bundle, garment, models, work / version)
            rows.append((version, tried, *(resolve(version, platform, wheel, work) for platform in PLATFORMS)))
    print(f"\n{'Python':8}{'tried here':78}" + "".join(f"{platform:36}" for platform in PLATFORMS))
    for version, tried, *resolved in rows:
        print(f"{version:8}{tried:78}" + "".join(f"{said:36}" for said in resolved))
    sys.exit(any(said.startswith("FAILED") for row in rows for said in row))


def interpreter(version: str) -> str | None:
    """The Python of this version on the path, if it starts: what some version managers put there does not."""
    path = shutil.which(f"python{version}")
    ask = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
    if path and subprocess.run([path, "-c", ask], capture_output=True, text=True).stdout.strip() == version:
        return path
    return sys.executable if sys.version.startswith(f"{version}.") else None


def try_out(python: str, wheel: Path, bundle: Path, garment: Path, models: Path, folder: Path) -> str:
    """What became of the plain wheel and of each extra in a fresh environment of this Python."""
    print(f"\n{run(python, '-VV').strip()}")
    run(python, "-m", "venv", str(folder))
    python = str(folder / "bin" / "python")
    try:
        install(python, str(wheel))
        print(f"the runtime: {check_plain(python, bundle)} bytes of source are loaded to find landmarks")
        tests = check_tests(python, None, models)
        for extra in EXTRAS:
            install(python, f"{wheel}[{extra}]")
            USES[extra](python, bundle, garment, folder)
            print(f"fpm-edge[{extra}]: installed and used")
    except SystemExit as end:
        print(end.code)
        return "FAILED, see above"
    finally:
        shutil.rmtree(folder)
    return f"ok, {', '.join(EXTRAS)}; {tests.partition(' in ')[0]}"


def install(python: str, *what: str) -> None:
    """With wheels alone: a device has no compiler."""
    run(
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--only-binary=:all:",
        *what,
        env=FRESH,
    )


def resolve(version: str, platform: str, wheel: Path, work: Path) -> str:
    """Whether there are wheels for the plain package, for each extra, and TensorFlow where it is said to be."""
    uv = work / "uv"
    if not uv.exists():
        run(sys.executable, "-m", "venv", str(uv))
        run(str(uv / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv")
    command = [str(uv / "bin" / "uv"), "pip", "compile", "-", "--quiet", "--only-binary", ":all:"]
    command += ["--python-version", version, "--python-platform", platform]
    for extra in ("", *EXTRAS, "toolkit"):
        requirement = f"fpm-edge{f'[{extra}]' if extra else ''} @ {wheel.as_uri()}\n"
        # In the project's folder, whose pyproject.toml tells uv of an upper bound that it does not see.
        done = subprocess.run(command, input=requirement, capture_output=True, text=True, cwd=ROOT)
        if done.returncode:
            print(f"Python {version}, {platform}, extra {extra or 'none'}:\n{done.stderr}")
            return f"FAILED: {extra or 'plain'}"
    has = any(line.startswith("tensorflow==") for line in done.stdout.splitlines())
    if has != (_number(TENSORFLOW_PYTHONS[0]) <= _number(version) <= _number(TENSORFLOW_PYTHONS[1])):
        return f"FAILED: TensorFlow is {'there' if has else 'not there'}"
    return f"wheels for all; TensorFlow: {'yes' if has else 'no'}"


def _number(version: str) -> int:
    return int(version.partition(".")[2])


def _use_engine(name: str) -> Callable[[str, Path, Path, Path], None]:
    def use(python: str, bundle: Path, garment: Path, folder: Path) -> None:
        run(python, "-c", ENGINE, str(bundle), name, env=FRESH)

    return use


def _use_cli(python: str, bundle: Path, garment: Path, folder: Path) -> None:
    run(python, "-m", "fpm_edge", "run", str(garment), "--json", env=FRESH)
    said = subprocess.run([python, "-m", "fpm_edge", "train"], capture_output=True, text=True, env=FRESH)
    if said.returncode != 5 or "needs tensorflow" not in said.stderr:
        sys.exit(f"`fpm-edge train` without TensorFlow: exit code {said.returncode}, {said.stderr!r}; expected 5")


def _use_signing(python: str, bundle: Path, garment: Path, folder: Path) -> None:
    run(python, "-c", f"import os; os.chdir({str(folder)!r})\n{SIGN}", str(bundle), env=FRESH)


def _use_video(python: str, bundle: Path, garment: Path, folder: Path) -> None:
    run(python, "-c", f"import os; os.chdir({str(folder)!r})\n{FILM}", str(garment), env=FRESH)
    film, drawn = folder / "film.mp4", folder / "drawn.mp4"
    run(python, "-m", "fpm_edge", "run", str(bundle), "--video", str(film), "--overlay", str(drawn), env=FRESH)
    if not drawn.is_file():
        sys.exit(f"`fpm-edge run --video` wrote no {drawn.name}")


def _use_docs(python: str, bundle: Path, garment: Path, folder: Path) -> None:
    run(python, "-m", "mkdocs", "--version", env=FRESH | {"NO_MKDOCS_2_WARNING": "1"})


USES = {
    "onnx": _use_engine("onnxruntime"),
    "openvino": _use_engine("openvino"),
    "cli": _use_cli,
    "signing": _use_signing,
    "video": _use_video,
    "docs": _use_docs,
}


if __name__ == "__main__":
    main()
