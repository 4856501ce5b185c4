"""Imports go one way, and those that must be light are."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Each package may import those after it.
LAYERS = {
    "fpm_edge": ROOT / "fpm_edge",
    "fpm_edge_converters": ROOT / "converters" / "fpm_edge_converters",
    "fpm_edge_calibration": ROOT / "calibration" / "fpm_edge_calibration",
    "fpm_edge_runtime": ROOT / "runtime" / "fpm_edge_runtime",
}
ORDER = list(LAYERS)
PUBLIC = [
    "fpm_edge",
    "fpm_edge.cli",
    "fpm_edge.data",
    "fpm_edge.model",
    "fpm_edge.render",
    "fpm_edge_converters",
    "fpm_edge_calibration",
    "fpm_edge_runtime",
]


# The rooms of the runtime and of the toolkit, each with those that it may use; what is below may use nothing above.
RUNTIME = ("pixels", "bundle", "engines", "stages", "updates", "check", "drift", "cameras")
TOOLKIT = (
    *("text", "files", "pictures", "render", "data", "model", "train", "accuracy", "convert", "inspect"),
    *("bench", "report", "search", "demo", "cli"),
)
# Files beside the rooms: these stand below all, `demo` as it says there, the others above.
BELOW = {"errors", "files", "lock", "toml_file", "interrupts", "shipped", "strict", "toolkit"}


def imported(source: str) -> Iterator[str]:
    """The packages that a module imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def modules() -> list[tuple[str, Path]]:
    return [(package, path) for package, folder in LAYERS.items() for path in sorted(folder.rglob("*.py"))]


def imported_modules(package: str, path: Path) -> Iterator[str]:
    """The package's own modules that a file imports: at its top, in a function, or for types only."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith(f"{package}."))
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == package:
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            folder = LAYERS[package].parent
            modules = [name for name in inner if (folder / f"{name.replace('.', '/')}.py").is_file()]
            yield from modules or [node.module]


def room(module: str) -> str:
    """The room of a module, or the file beside the rooms."""
    return f"{module}.".split(".")[1]


@pytest.mark.parametrize(("package", "rooms"), [("fpm_edge_runtime", RUNTIME), ("fpm_edge", TOOLKIT)])
def test_rooms_use_what_is_below(package: str, rooms: tuple[str, ...]) -> None:
    folder = LAYERS[package]
    floors = {name: floor for floor, name in enumerate(rooms)} | dict.fromkeys(BELOW, -1)
    assert {path.parent.name for path in folder.glob("*/__init__.py")} == set(rooms) - {"demo"}
    wrong = []
    for name, path in modules():
        relative = path.relative_to(folder) if name == package else None
        if relative is None or relative.with_suffix("").parts[0] not in floors:
            continue
        floor = floors[relative.with_suffix("").parts[0]]
        # The runtime itself, with its public names, is above all; the toolkit's has but a version.
        up = [m for m in imported_modules(package, path) if m != "fpm_edge" and floors.get(room(m), len(rooms)) > floor]
        wrong += [f"{relative} imports {module}" for module in up]
    assert wrong == []


def test_the_runtime_has_no_circle_of_imports() -> None:
    folder = LAYERS["fpm_edge_runtime"]
    uses: dict[str, set[str]] = {}
    for path in folder.rglob("*.py"):
        parts = (*path.relative_to(folder.parent).with_suffix("").parts,)
        uses[".".join(part for part in parts if part != "__init__")] = set(imported_modules("fpm_edge_runtime", path))
    while uses:
        # Those that use nothing that is left; the members of a circle are never among them.
        free = {module for module, used in uses.items() if not used & uses.keys() - {module}}
        assert free, f"a circle among {', '.join(sorted(uses))}"
        uses = {module: used for module, used in uses.items() if module not in free}


@pytest.mark.parametrize("package", ORDER)
def test_imports_go_one_way(package: str) -> None:
    files = [path for name, path in modules() if name == package]
    assert files
    forbidden = set(ORDER[: ORDER.index(package)])
    wrong = {
        str(path.relative_to(ROOT)): bad
        for path in files
        if (bad := forbidden & set(imported(path.read_text("utf-8"))))
    }
    assert wrong == {}


def test_only_what_needs_tensorflow_names_it() -> None:
    heavy = {"tensorflow", "tf_keras", "tensorflow_model_optimization"}
    for package in ("fpm_edge_calibration", "fpm_edge_runtime"):
        for name, path in modules():
            if name == package:
                assert heavy.isdisjoint(imported(path.read_text("utf-8"))), path


# Modules and names of the standard library that came with 3.11 or later; more may be needed here one day.
LATER = {
    "tomllib", "wsgiref.types", "asyncio.TaskGroup", "asyncio.timeout", "builtins.ExceptionGroup",
    "collections.abc.Buffer",
    "contextlib.chdir", "copy.replace", "datetime.UTC", "enum.ReprEnum", "enum.StrEnum", "enum.member", "enum.verify",
    "hashlib.file_digest", "itertools.batched", "math.cbrt", "math.exp2", "math.sumprod", "operator.call",
    "os.process_cpu_count", "typing.LiteralString", "typing.Never", "typing.NotRequired", "typing.Required",
    "typing.Self",
    "typing.TypeIs", "typing.TypeVarTuple", "typing.Unpack", "typing.assert_never", "typing.assert_type",
    "typing.override",
    "warnings.deprecated",
}  # fmt: skip


def test_python_3_10_has_what_is_taken_from_the_standard_library() -> None:
    """Where a device runs 3.10 (Jetson), every command that needs no TensorFlow does; the linter sees syntax only."""
    used = {}
    for name, path in modules():
        tree = ast.parse(path.read_text("utf-8"))
        found = {
            *(f"builtins.{node.id}" for node in ast.walk(tree) if isinstance(node, ast.Name)),
            *(
                f"{node.value.id}.{node.attr}"
                for node in ast.walk(tree)
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
            ),
            *(alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names),
            *(
                part
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom) and node.module
                for part in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
            ),
        }
        if later := found & LATER:
            used[path.name] = (name, later)
    # There, `tomli` stands for it.
    assert used.pop("toml_file.py") == ("fpm_edge_runtime", {"tomllib"})
    assert used == {}


@pytest.mark.parametrize(
    "program",
    [f"import {name}" for name in ("fpm_edge", "fpm_edge.bench", "fpm_edge.cli", "fpm_edge.data")]
    + [
        "import fpm_edge.render",
        "import fpm_edge.model",
        "import fpm_edge_calibration",
        "from fpm_edge.__main__ import main; sys.argv = ['fpm-edge', '--help']; import contextlib, io\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main()",
    ],
)
def test_light_imports_load_no_tensorflow(program: str) -> None:
    program = f"import sys\n{program}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded.isdisjoint(
        {"tensorflow", "tf_keras", "tensorflow_model_optimization", "tf2onnx", "onnx", "onnxruntime"}
    )


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_sorted_and_exist(name: str) -> None:
    module = importlib.import_module(name)
    # As ruff sorts them: constants, then classes, then functions.
    names = module.__all__
    assert len(set(names)) == len(names)
    assert names == sorted(names, key=kind_then_name)
    for public in names:
        assert hasattr(module, public), public


def kind_then_name(name: str) -> tuple[int, str]:
    if name.isupper():
        return 0, name
    return (1 if name[0].isupper() else 2), name


def test_every_module_says_what_is_public() -> None:
    for _, path in modules():
        if path.name.startswith("_") and not path.name.startswith("__"):
            continue
        tree = ast.parse(path.read_text("utf-8"))
        public = next(
            (
                [element.value for element in node.value.elts if isinstance(element, ast.Constant)]
                for node in tree.body
                if isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name)
                and node.targets[0].id == "__all__"
                and isinstance(node.value, ast.List | ast.Tuple)
            ),
            None,
        )
        if public is None:
            # Only a package that says nothing but what it is for.
            assert path.name == "__init__.py", path
            assert len(tree.body) == 1, path
            continue
        # What is imported for type checkers alone is looked up when it is asked for.
        later = [inner for node in tree.body if isinstance(node, ast.If) for inner in node.body]
        defined = {name for node in (*tree.body, *later) for name in names_of(node)}
        assert set(public) <= defined | {"__version__"}, path


def names_of(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name for alias in node.names)
    elif isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id
