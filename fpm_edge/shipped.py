"""The model that the package ships."""

from importlib import resources
from pathlib import Path

__all__ = ["SHIPPED_MODEL", "model_folder", "shipped_model"]

SHIPPED_MODEL = "lite-fashionai24"


def shipped_model() -> Path:
    """Folder of the float model that the package ships."""
    return Path(str(resources.files("fpm_edge"))) / "models" / SHIPPED_MODEL


def model_folder(path: Path) -> Path:
    """`path`, or the shipped model's folder where `path` is its name and no such file exists."""
    return shipped_model() if str(path) == SHIPPED_MODEL and not path.exists() else path
