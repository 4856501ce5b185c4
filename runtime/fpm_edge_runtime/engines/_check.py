"""Whether the tensors that an engine found in a model are those that the manifest promises."""

from collections.abc import Iterable, Mapping

import numpy as np

from fpm_edge_runtime.bundle.manifest import Piece, TensorSpec
from fpm_edge_runtime.errors import BundleError

__all__ = ["check_names", "check_quantization", "check_type", "damaged"]


def damaged(piece: Piece, engine: str, error: Exception) -> BundleError:
    """The error for a model that an engine cannot read."""
    return BundleError(
        f"{engine} cannot load {piece.member}: {_first_line(error)}; update the engine, or convert the model again"
    )


def check_names(piece: Piece, inputs: Iterable[str], outputs: Iterable[str]) -> None:
    """Raise BundleError unless the model has exactly the piece's inputs and outputs."""
    for what, specs, names in (("inputs", piece.inputs, inputs), ("outputs", piece.outputs, outputs)):
        expected, found = sorted(spec.name for spec in specs), sorted(names)
        if found != expected:
            raise BundleError(
                f"{piece.member}: the model's {what} are {', '.join(found) or 'none'}; "
                f"the manifest says {', '.join(expected)}; convert the model again"
            )


def check_type(piece: Piece, spec: TensorSpec, dtype: str, shape: Iterable[object]) -> None:
    """Raise BundleError unless a tensor has the spec's type and shape."""
    sizes = tuple(shape)
    if dtype != spec.dtype or sizes != spec.shape:
        raise BundleError(
            f"{piece.member}: tensor {spec.name} is {dtype} {sizes}; the manifest says {spec.dtype} {spec.shape}; "
            "convert the model again"
        )


def check_quantization(piece: Piece, spec: TensorSpec, found: Mapping[str, object]) -> None:
    """Raise BundleError unless a TFLite tensor's scale and zero point are the spec's.

    An image without scale in the manifest is not compared: its codes are the pixels, whatever the model makes of them.
    """
    if spec.scale is None and spec.dtype == "uint8":
        return
    scales = np.asarray(found["scales"], np.float32).tolist()
    zero_points = np.asarray(found["zero_points"], np.int64).tolist()
    expected = ([], []) if spec.scale is None else ([float(np.float32(spec.scale))], [spec.zero_point])
    if (scales, zero_points) != expected:
        raise BundleError(
            f"{piece.member}: tensor {spec.name} has scale {scales} and zero point {zero_points}; "
            f"the manifest says {spec.scale} and {spec.zero_point}; convert the model again"
        )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
