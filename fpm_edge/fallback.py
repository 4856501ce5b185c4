"""More precision for the stages that need it: the last pieces of an int8 network in float16."""

from collections.abc import Iterator, Sequence

from fpm_edge_converters import Exported
from fpm_edge_runtime.manifest import Format, Piece

__all__ = ["ladder", "mixed"]


def ladder(exported: Exported) -> Iterator[tuple[str, ...]]:
    """Which pieces to give more precision, fewest first: none, the last stage, the last two, …, all.

    Errors of early stages reach the last one only through its inputs, so that the last stage's own precision counts
    most, and every step includes the one before.
    """
    pieces = next(iter(exported.pieces.values()))
    names = [piece.name for piece in pieces]
    for count in range(len(names) + 1):
        yield tuple(names[len(names) - count :])


def mixed(exported: Exported, precise: Exported, names: Sequence[str]) -> Exported:
    """The pieces of `exported`, those called `names` from `precise`, the same network with more precision."""
    if not names:
        return exported
    pieces: dict[Format, tuple[Piece, ...]] = {}
    members: dict[str, bytes] = {}
    for form, plain in exported.pieces.items():
        more = {piece.name: piece for piece in precise.pieces[form]}
        pieces[form] = tuple(more[piece.name] if piece.name in names else piece for piece in plain)
        for piece in plain:
            members[piece.member] = (precise if piece.name in names else exported).members[piece.member]
    sizes = {form: sum(len(members[piece.member]) for piece in chosen) for form, chosen in pieces.items()}
    return Exported(pieces, members, sizes)
