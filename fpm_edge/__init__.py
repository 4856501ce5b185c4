"""The fpm-edge toolkit: data, model, training, quantization-aware training, evaluation, report, command line.

Importing this package loads no TensorFlow; its sub-packages do when they need it.
"""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("fpm-edge")
