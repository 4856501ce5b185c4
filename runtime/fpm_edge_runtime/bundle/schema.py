"""Landmark schemas: which landmarks there are, which of them a category has, which swap when a picture is flipped."""

import msgspec

from fpm_edge_runtime.errors import SchemaError

__all__ = ["LandmarkSchema"]


class LandmarkSchema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names and relations of the landmarks of one data set.

    Attributes:
        name: identifier, e.g. ``fashionai24``.
        landmarks: the L landmark names, in the order of the heatmaps.
        flip: (L,) index of the landmark that takes this one's place when the picture is mirrored.
        categories: category name → indices of the landmarks it has.
        normalizers: category name → the two landmarks whose distance divides the contest's NE.
        groups: group name → landmark indices, for grouped tables (Table 1 of the paper).
    """

    name: str
    landmarks: tuple[str, ...]
    flip: tuple[int, ...]
    categories: dict[str, tuple[int, ...]]
    normalizers: dict[str, tuple[int, int]] = {}
    groups: dict[str, tuple[int, ...]] = {}

    def __post_init__(self) -> None:
        count = len(self.landmarks)
        if count == 0:
            raise SchemaError(f"schema {self.name!r}: no landmarks; expected at least one name")
        if len(set(self.landmarks)) != count:
            raise SchemaError(f"schema {self.name!r}: a landmark name occurs twice; names must be unique")
        if sorted(self.flip) != list(range(count)) or any(self.flip[self.flip[i]] != i for i in range(count)):
            raise SchemaError(
                f"schema {self.name!r}: flip must pair each of the {count} landmarks with one other or itself"
            )
        if not self.categories:
            raise SchemaError(f"schema {self.name!r}: no categories; expected at least one")
        tables: tuple[tuple[str, dict[str, tuple[int, ...]]], ...] = (
            ("categories", self.categories),
            ("normalizers", dict(self.normalizers)),
            ("groups", self.groups),
        )
        for table, entries in tables:
            for key, indices in entries.items():
                if not indices or len({*indices} & {*range(count)}) < len(indices):
                    raise SchemaError(
                        f"schema {self.name!r}: {table}.{key} must name landmarks of 0..{count - 1}, each once"
                    )
        unknown = set(self.normalizers) - set(self.categories)
        if unknown:
            raise SchemaError(f"schema {self.name!r}: normalizers for unknown categories {sorted(unknown)}")

    def landmarks_of(self, category: str) -> tuple[int, ...]:
        """Indices of the landmarks of `category`. Raises SchemaError naming the known ones."""
        try:
            return self.categories[category]
        except KeyError:
            known = ", ".join(sorted(self.categories))
            raise SchemaError(
                f"category {category!r} is not in schema {self.name!r}; expected one of: {known}"
            ) from None
