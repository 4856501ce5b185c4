"""FashionAI's CSV: ``image_id, image_category`` and one ``x_y_v`` column for each landmark."""

from __future__ import annotations

from fpm_edge.data.cells import parse_cells
from fpm_edge.data.collect import collect
from fpm_edge.data.dataset import Dataset
from fpm_edge.data.files import ImageFinder, annotation_file, data_name, read_csv
from fpm_edge.data.rows import BadRowError, ReadOptions, Row
from fpm_edge_runtime.schema import LandmarkSchema, load_schema

__all__ = ["FashionAIReader"]

_FIELDS = ("image_id", "image_category")
_FILES = ("annotations.csv", "annotations.csv.gz", "Annotations/*.csv", "Annotations/*.csv.gz")


class FashionAIReader:
    """Reads FashionAI, and any other data set written in the same form with the landmark names of its own schema.

    Pictures are named relative to the folder of the CSV file, or beside it if that folder is called Annotations.
    """

    kind = "fashionai"
    form = "fashionai:DIR or fashionai:FILE.csv[.gz]"

    def read(self, location: str, *, schema: LandmarkSchema | None, options: ReadOptions) -> Dataset:
        """See `DatasetReader.read`; the schema is fashionai24 unless given."""
        schema = schema or load_schema("fashionai24")
        landmarks = schema.landmarks
        path = annotation_file(location, _FILES)
        count = len(_FIELDS) + len(landmarks)

        def parse(cells: list[str]) -> Row:
            if len(cells) != count:
                raise BadRowError(None, f"{len(cells)} cells; expected {count}")
            points, visibility = parse_cells(cells[2:], landmarks)
            image, category = cells[0].strip(), cells[1].strip()
            return Row(image, category, points, visibility, key=(image, category))

        rows = read_csv(path, _FIELDS, landmarks)
        return collect(path, schema, rows, parse, ImageFinder(path, options.images), options, name=data_name(path))
