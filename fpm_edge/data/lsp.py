"""Leeds Sports Pose as CSV: ``image`` and one ``x_y_v`` column for each joint, cropped around the joints."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fpm_edge.data.cells import parse_cells
from fpm_edge.data.collect import collect
from fpm_edge.data.csv_rows import Cells, read_csv
from fpm_edge.data.dataset import Dataset
from fpm_edge.data.files import annotation_file, data_name
from fpm_edge.data.images import ImageFinder
from fpm_edge.data.record import Box
from fpm_edge.data.rows import BadRowError, ReadOptions, Row
from fpm_edge_runtime.bundle.schema import LandmarkSchema
from fpm_edge_runtime.bundle.schema_file import load_schema
from fpm_edge_runtime.errors import UsageError

__all__ = ["LSPReader"]

_FILES = ("joints.csv", "joints_subset.csv", "annotations.csv", "joints.csv.gz", "joints_subset.csv.gz")
# Added on each side of the joints, as a share of the longer side of their extent.
_MARGIN = 0.25
# A crop is at least this wide, pixels: one labelled joint has no extent at all.
_SMALLEST = 32.0


class LSPReader:
    """Reads Leeds Sports Pose, and any other data set of one category written in the same form."""

    kind = "lsp"
    form = "lsp:DIR or lsp:FILE.csv[.gz]"

    def read(self, location: str, *, schema: LandmarkSchema | None, options: ReadOptions) -> Dataset:
        """See `DatasetReader.read`; the schema is lsp14 unless given. Records have a square box around the joints.

        Raises:
            UsageError: the schema has several categories, which this form cannot express.
        """
        schema = schema or load_schema("lsp14")
        if len(schema.categories) != 1:
            raise UsageError(
                f"schema {schema.name!r} has {len(schema.categories)} categories; lsp: files name none, so expected one"
            )
        (category,) = schema.categories
        landmarks = schema.landmarks
        path = annotation_file(location, _FILES)

        def parse(cells: Cells) -> Row:
            if isinstance(cells, BadRowError):
                raise cells
            points, visibility = parse_cells(cells[1:], landmarks)
            image = cells[0].strip()
            return Row(image, category, points, visibility, _around(points, visibility), key=(image,))

        rows = read_csv(path, ("image",), landmarks)
        return collect(path, schema, rows, parse, ImageFinder(path, options.images), options, name=data_name(path))


def _around(points: NDArray[np.float64], visibility: NDArray[np.float64]) -> Box | None:
    """A square around the labelled points with a margin, in edge coordinates; None if none is labelled or finite."""
    labelled = points[visibility >= 0]
    if not len(labelled) or not np.isfinite(labelled).all():
        return None
    low, high = labelled.min(axis=0), labelled.max(axis=0)
    half = max(float((high - low).max()) * (1 + 2 * _MARGIN), _SMALLEST) / 2
    # The centre of pixel p lies at p + 0.5 in edge coordinates.
    x, y = (float(v) for v in (low + high) / 2 + 0.5)
    return x - half, y - half, x + half, y + half
