"""Which variant of one report is compared with which of another."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from fpm_edge.report.data import Variant

__all__ = ["Matched", "match_variants"]


@dataclass(frozen=True)
class Matched:
    """Pairs in the order of B, and what is left over."""

    pairs: tuple[tuple[Variant, Variant], ...]
    only_a: tuple[Variant, ...]
    only_b: tuple[Variant, ...]


def match_variants(a: Sequence[Variant], b: Sequence[Variant], *, one_bundle_each: bool = False) -> Matched:
    """Pair variants of the same engine: of the same precision and label; else of the same precision; else of any.

    Each rule pairs only what it names once on either side, so that nothing is paired by chance. float32 is paired with
    another precision only where there is `one_bundle_each`, so that nothing else can be meant.
    """
    pairs: list[tuple[Variant, Variant]] = []
    left_a, left_b = list(a), list(b)
    for rule in (_label, _precision, _engine if one_bundle_each else _engine_and_kind):
        for mine in list(left_b):
            same_a, same_b = _same(rule, mine, left_a), _same(rule, mine, left_b)
            if len(same_a) == len(same_b) == 1:
                pairs.append((same_a[0], mine))
                left_a.remove(same_a[0])
                left_b.remove(mine)
    pairs.sort(key=lambda pair: b.index(pair[1]))
    return Matched(tuple(pairs), tuple(left_a), tuple(left_b))


def _same(rule: Callable[[Variant], Hashable], variant: Variant, others: Sequence[Variant]) -> list[Variant]:
    return [other for other in others if rule(other) == rule(variant)]


def _label(variant: Variant) -> Hashable:
    return variant.engine, variant.format, variant.precision, variant.bundle


def _precision(variant: Variant) -> Hashable:
    return variant.engine, variant.format, variant.precision


def _engine_and_kind(variant: Variant) -> Hashable:
    return variant.engine, variant.format, variant.precision == "float32"


def _engine(variant: Variant) -> Hashable:
    return variant.engine, variant.format
