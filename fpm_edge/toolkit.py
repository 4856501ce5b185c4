"""What to say where a package of the extra `toolkit` is missing, and where TensorFlow is not to be had at all."""

import sys

from fpm_edge_runtime.errors import MissingExtraError

__all__ = ["TENSORFLOW_PYTHONS", "missing_from_toolkit", "of_toolkit"]

TENSORFLOW_PYTHONS = ("3.10", "3.13")
"""First and last Python that TensorFlow has wheels for. pyproject.toml leaves it out of the extra elsewhere."""

# Packages as they are imported: those that are left out with TensorFlow, and the others.
_WITH_TENSORFLOW = ("tensorboard", "tensorflow", "tensorflow_model_optimization", "tf2onnx", "tf_keras")
_OTHERS = ("jinja2", "matplotlib", "onnx", "safetensors", "tomli_w", "yaml")


def of_toolkit(package: str | None) -> bool:
    """Whether the extra brings a package, by the name that it, or a module in it, is imported by."""
    return package is not None and package.partition(".")[0] in (*_WITH_TENSORFLOW, *_OTHERS)


def missing_from_toolkit(
    what: str, package: str | None, python: tuple[int, int] = sys.version_info[:2]
) -> MissingExtraError:
    """The error for `what`, which needs `package`: what to install, and with which Python.

    Args:
        what: the command, as people type it between backticks, or a thing.
        package: as it is imported, or a module in it.
        python: major and minor version of the one that runs.
    """
    first, last = TENSORFLOW_PYTHONS
    newest = tuple(int(part) for part in last.split("."))
    if str(package).partition(".")[0] in _WITH_TENSORFLOW and python > newest:
        return MissingExtraError(
            f"{what} needs {package}, and TensorFlow has wheels for Python {first} to {last} only, not for "
            f"{python[0]}.{python[1]}: make an environment with one of these, and there pip install 'fpm-edge[toolkit]'"
        )
    return MissingExtraError(f"{what} needs {package}, which is not installed: pip install 'fpm-edge[toolkit]'")
