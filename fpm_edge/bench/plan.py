"""Which variants are measured: bundles × engines × threads × stages."""

from collections.abc import Sequence
from dataclasses import dataclass

from fpm_edge_runtime import Bundle
from fpm_edge_runtime.engines import ENGINES, default_engine
from fpm_edge_runtime.errors import UsageError

__all__ = ["Plan", "Variant", "make_plan"]


@dataclass(frozen=True)
class Variant:
    """One row to be: a bundle by its label, an engine by its name, and two numbers."""

    label: str
    engine: str
    threads: int
    stages: int

    @property
    def name(self) -> str:
        """In words."""
        return f"{self.label}, {self.engine}, {self.threads} threads, {self.stages} stages"


@dataclass(frozen=True)
class Plan:
    """What is measured, and in `notes` what is not, and why."""

    variants: tuple[Variant, ...]
    notes: tuple[str, ...]


def make_plan(
    bundles: Sequence[tuple[str, Bundle]],
    engines: Sequence[str] | None,
    threads: Sequence[int],
    stages: Sequence[int] | None,
) -> Plan:
    """Every bundle in every engine that reads it, with each number of threads and each number of stages that it has.

    Args:
        bundles: (label, bundle).
        engines: names; None for the one that `Bundle.session` takes by itself.
        threads: numbers of them.
        stages: numbers of them; None for all that a bundle has.

    Raises:
        UsageError: no bundle, a label twice, an unknown engine, a number that no bundle bears, or nothing is left.
        MissingExtraError: no engine was named and none is installed.
    """
    labels = [label for label, _ in bundles]
    if not labels or len(set(labels)) < len(labels):
        raise UsageError(f"bundles are labelled {labels}; expected at least one, and each label once")
    unknown = [name for name in engines or () if name not in ENGINES]
    if unknown:
        raise UsageError(f"unknown engine {unknown[0]!r}; expected one of: {', '.join(ENGINES)}")
    most = max(bundle.stages for _, bundle in bundles)
    wrong = [number for number in stages or () if not 1 <= number <= most]
    if wrong:
        raise UsageError(f"stages is {wrong[0]}; expected 1 to {most}, as many as a bundle here has")
    variants: list[Variant] = []
    notes: list[str] = []
    for label, bundle in bundles:
        for number in dict.fromkeys(stages or ()):
            if number > bundle.stages:
                notes.append(f"{label} has {bundle.stages} stages: left out with {number}")
        counts = [number for number in dict.fromkeys(stages or (bundle.stages,)) if number <= bundle.stages]
        for engine in dict.fromkeys(engines or (default_engine(bundle.formats),)):
            readable = ENGINES[engine].formats
            if not set(readable) & set(bundle.formats):
                notes.append(
                    f"{label} has {', '.join(bundle.formats)} and {engine} reads {', '.join(readable)}: left out"
                )
                continue
            variants += [Variant(label, engine, count, number) for count in dict.fromkeys(threads) for number in counts]
    if not variants:
        raise UsageError(f"nothing to measure: {'; '.join(notes)}")
    return Plan(tuple(variants), tuple(notes))
