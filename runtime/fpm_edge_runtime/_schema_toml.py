"""A landmark schema from the text of a TOML file; see `schema.load_schema` for its form."""

import tomllib

from fpm_edge_runtime.errors import SchemaError
from fpm_edge_runtime.schema import LandmarkSchema
from fpm_edge_runtime.sides import unpaired_sides

__all__ = ["parse_schema"]


def parse_schema(source: str, where: str) -> LandmarkSchema:
    """The schema of a TOML file's text; `where` is said in errors. Raises SchemaError."""
    try:
        table = tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        raise SchemaError(f"{where}: not valid TOML: {error}") from error
    try:
        landmarks = tuple(table.pop("landmarks"))
        name = table.pop("name")
    except KeyError as error:
        raise SchemaError(f"{where}: the key {error} is missing; a schema needs name and landmarks") from None
    index = {landmark: i for i, landmark in enumerate(landmarks)}

    def indices(names: list[str], key: str) -> tuple[int, ...]:
        unknown = [n for n in names if n not in index]
        if unknown:
            raise SchemaError(f"{where}: {key} names {unknown[0]!r}, which is not among the landmarks")
        return tuple(index[n] for n in names)

    flip = list(range(len(landmarks)))
    pairs = table.pop("flip_pairs", None)
    for pair in pairs or []:
        if len(pair) != 2:
            raise SchemaError(f"{where}: flip_pairs holds {pair}; each entry must name two landmarks")
        left, right = indices(pair, "flip_pairs")
        flip[left], flip[right] = right, left
    if pairs != [] and (sides := unpaired_sides(landmarks, flip)):
        missing = ", ".join(f'["{first}", "{second}"]' for first, second in sides)
        raise SchemaError(
            f"{where}: flip_pairs does not say which landmarks change places in a mirror image, and some are sides; "
            f"expected in it: {missing}; or flip_pairs = [] to train without mirror images"
        )
    categories = {key: indices(names, f"categories.{key}") for key, names in table.pop("categories", {}).items()}
    normalizers = {}
    for key, names in table.pop("normalizers", {}).items():
        if len(names) != 2:
            raise SchemaError(f"{where}: normalizers.{key} must name two landmarks, not {len(names)}")
        first, second = indices(names, f"normalizers.{key}")
        normalizers[key] = (first, second)
    groups = {key: indices(names, f"groups.{key}") for key, names in table.pop("groups", {}).items()}
    if table:
        raise SchemaError(f"{where}: unknown key {sorted(table)[0]!r}")
    return LandmarkSchema(
        name=name,
        landmarks=landmarks,
        flip=tuple(flip),
        categories=categories or {"all": tuple(range(len(landmarks)))},
        normalizers=normalizers,
        groups=groups,
    )
