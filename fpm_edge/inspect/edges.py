"""What stands at the edges of a bundle's pieces: the maps as the engine gives them, before any decoding."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fpm_edge.data import Record, read_image
from fpm_edge_runtime import Bundle, UsageError
from fpm_edge_runtime.bundle.manifest import Geometry, Piece, TensorSpec
from fpm_edge_runtime.bundle.tensors import arranged
from fpm_edge_runtime.engines import ENGINES, PieceRunner, load_engine
from fpm_edge_runtime.pixels.decode_maps import decode_heatmaps
from fpm_edge_runtime.pixels.geometry import Letterbox, cells_to_input
from fpm_edge_runtime.pixels.image import letterbox

__all__ = ["EdgeRunner", "Maps", "Placed", "open_edges", "place"]


@dataclass(frozen=True, eq=False)
class Placed:
    """A record's picture as the network's input.

    Attributes:
        image: (height, width, 3) uint8.
        placement: the letterbox, for the way back to the picture.
        picture_size: (width, height) of the picture, pixels.
    """

    image: NDArray[np.uint8]
    placement: Letterbox
    picture_size: tuple[int, int]


def place(record: Record, geometry: Geometry) -> Placed:
    """Read a record's picture and bring it into the input. Raises DataError or ImageError."""
    picture = read_image(record)
    size = (picture.shape[1], picture.shape[0])
    target = (geometry.input_width, geometry.input_height)
    placement = Letterbox.fit(size, target, record.box)
    return Placed(letterbox(picture, placement, target), placement, size)


@dataclass(frozen=True, eq=False)
class Maps:
    """The heatmaps of one stage on one picture.

    Attributes:
        values: (rows, columns, L + 1), int8, uint8 or int16 codes, or float32.
        scale, zero_point: of codes, real = scale · (code − zero_point); None for float32.
    """

    values: NDArray[Any]
    scale: float | None = None
    zero_point: int | None = None

    def real(self) -> NDArray[np.float32]:
        """The maps in real units, float32."""
        if self.scale is None or self.zero_point is None:
            return np.asarray(self.values, np.float32)
        return np.asarray(self.scale * (self.values.astype(np.float32) - self.zero_point), np.float32)

    def landmarks(self, stride: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(L, 2) pixels of the input, and (L,) scores."""
        cells, scores = decode_heatmaps(
            self.values,
            layout="NHWC",
            landmarks=self.values.shape[-1] - 1,
            scale=self.scale,
            zero_point=self.zero_point,
        )
        return cells_to_input(cells, stride), scores


class EdgeRunner:
    """Pieces loaded into an engine, run one after the other on network inputs."""

    def __init__(self, loaded: list[tuple[Piece, PieceRunner]], stages: int) -> None:
        """`loaded` in order of execution; together they give ``heatmap_1..stages``."""
        self._loaded = loaded
        self._made = {spec.name: spec for piece, _ in loaded for spec in piece.outputs}
        self._specs = [self._made[f"heatmap_{stage}"] for stage in range(1, stages + 1)]

    def __call__(self, image: NDArray[np.uint8]) -> list[Maps]:
        """The maps of every stage.

        Args:
            image: (height, width, 3) uint8, exactly the network's input.
        """
        tensors: dict[str, NDArray[Any]] = {"image": image[np.newaxis]}
        for piece, run in self._loaded:
            given = {spec.name: arranged(tensors[spec.name], self._made.get(spec.name), spec) for spec in piece.inputs}
            # An engine may reuse its output buffers in the next call.
            tensors.update({name: np.array(value) for name, value in run(given).items()})
        return [_maps(tensors[spec.name][0], spec) for spec in self._specs]


def open_edges(bundle: Bundle, engine: str, threads: int | None = 1) -> EdgeRunner:
    """A bundle's pieces in an engine.

    Raises:
        UsageError: the engine is unknown or reads none of the bundle's formats.
        MissingExtraError: the engine is not installed.
        BundleError: a piece is damaged.
    """
    loaded = load_engine(engine)
    form = next((form for form in loaded.formats if form in bundle.formats), None)
    if form is None:
        able = [name for name, known in ENGINES.items() if set(known.formats) & set(bundle.formats)]
        raise UsageError(
            f"engine {engine} reads {', '.join(loaded.formats)} and the bundle has {', '.join(bundle.formats)}; "
            f"choose one of: {', '.join(able)}"
        )
    pieces = bundle.manifest.pieces[form]
    return EdgeRunner(
        [(piece, loaded.load(piece, bundle.read(piece.member), threads)) for piece in pieces], bundle.stages
    )


def _maps(values: NDArray[Any], spec: TensorSpec) -> Maps:
    if spec.layout == "NCHW":
        values = np.ascontiguousarray(values.transpose(1, 2, 0))
    return Maps(values, spec.scale, spec.zero_point)
