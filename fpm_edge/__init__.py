"""The fpm-edge toolkit: data, model, training, quantization-aware training, evaluation, report, command line.

Importing this package loads no TensorFlow; its sub-packages do when they need it.
"""

__all__ = ["__version__"]


def __getattr__(name: str) -> str:
    if name == "__version__":
        # Not above: it is a tenth of a second of every command's start.
        from importlib.metadata import version

        return version("fpm-edge")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
