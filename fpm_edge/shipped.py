"""The models that the package ships: float weights by name, and one int8 bundle that is ready to run."""

from pathlib import Path

__all__ = [
    "SHIPPED_BUNDLE",
    "SHIPPED_MODEL",
    "SHIPPED_MODELS",
    "TRAINED_ON",
    "model_folder",
    "shipped_bundle",
    "shipped_model",
]

SHIPPED_MODEL = "lite-m"
"""The one that is meant where none is named."""

SHIPPED_MODELS = {"lite-m": "lite-m", "lite-s": "lite-s", "lite-fashionai24": "lite-m"}
"""Name → folder. `lite-m` was called `lite-fashionai24` when it was the only one."""

SHIPPED_BUNDLE = "lite-m.fpm"
"""`SHIPPED_MODEL` in int8, of TFLite stages and golden cases; made by ``scripts/make_shipped_bundle.py``."""

TRAINED_ON = "photographs of single garments, and drawn ones"
"""What the shipped weights saw, in a few words; their cards say it all."""


def shipped_model(name: str = SHIPPED_MODEL) -> Path:
    """Folder of a float model that the package ships, by a key of `SHIPPED_MODELS`."""
    return _models() / SHIPPED_MODELS[name]


def shipped_bundle() -> Path:
    """The int8 bundle that the package ships: what ``fpm-edge run photo.jpg`` uses.

    >>> session = fpm_edge_runtime.open_bundle(shipped_bundle()).session()
    """
    return _models() / SHIPPED_BUNDLE


def model_folder(path: Path) -> Path:
    """`path`, or a shipped model's folder where `path` is its name and no such file exists."""
    name = str(path)
    return shipped_model(name) if name in SHIPPED_MODELS and not path.exists() else path


def _models() -> Path:
    return Path(__file__).parent / "models"
