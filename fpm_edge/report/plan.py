"""Which bundle is run in which engine, and which float model each is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fpm_edge.report.data import Variant
from fpm_edge_runtime import Bundle, Manifest, MissingExtraError, Session, UsageError
from fpm_edge_runtime.bundle.manifest import Format
from fpm_edge_runtime.engines import ENGINES

__all__ = ["ENGINE_TITLES", "Candidate", "Entry", "Plan", "float_engine", "main_index", "make_plan"]

ENGINE_TITLES = {
    "litert": "LiteRT",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "tflite-runtime": "tflite-runtime",
    "litert-compiled": "LiteRT CompiledModel",
    "litert-gpu": "LiteRT GPU",
    "litert-npu": "LiteRT NPU",
}

# The headline is about the first of these that there is.
_HEADLINE_PRECISIONS = ("int8", "int16x8", "dynamic-range", "float16", "float32")
_HEADLINE_ENGINE = "litert"


@dataclass(frozen=True, eq=False)
class Entry:
    """A bundle and what the report calls it."""

    label: str
    bundle: Bundle

    @property
    def precision(self) -> str:
        return self.bundle.manifest.quantization.precision


@dataclass(frozen=True, eq=False)
class Candidate:
    """A bundle loaded into an engine, and the float bundle of the same network (None: there is none)."""

    name: str
    entry: Entry
    session: Session
    reference: Entry | None


@dataclass(frozen=True)
class Plan:
    """Everything to measure; `notes` says what is left out or added, and why."""

    entries: tuple[Entry, ...]
    candidates: tuple[Candidate, ...]
    notes: tuple[str, ...]


def make_plan(bundles: Sequence[tuple[str, Bundle]], engines: Sequence[str] | None, threads: int) -> Plan:
    """Load every bundle into the engines: those asked for, or the one for each of its formats.

    A bundle's float model is the one inside it, which is measured as well unless the very same was given as a bundle;
    where there is none inside, the first float32 bundle given with the same landmarks, geometry and layers.

    Raises:
        UsageError: no bundles, a label twice, an unknown engine, or none that reads any of the bundles.
        MissingExtraError: an engine that was asked for is not installed.
    """
    labels = [label for label, _ in bundles]
    if not bundles or len(set(labels)) != len(labels):
        raise UsageError(f"bundles are labelled {labels}; expected at least one, each with a label of its own")
    for engine in engines or ():
        if engine not in ENGINES:
            raise UsageError(f"unknown engine {engine!r}; expected one of: {', '.join(ENGINES)}")
    notes: list[str] = []
    entries, own = _with_embedded([Entry(label, bundle) for label, bundle in bundles], notes)
    candidates = []
    for entry in entries:
        reference = own.get(entry) or _reference_of(entry, entries)
        if reference is None:
            notes.append(f"{entry.label}: no float model to compare with; its drift is not known")
        candidates += [
            Candidate(_name(entry, session.engine, entries), entry, session, reference)
            for session in _sessions(entry, engines, threads, notes)
        ]
    if not candidates:
        raise UsageError(f"no engine could run any of the bundles: {'; '.join(notes)}")
    return Plan(tuple(entries), tuple(candidates), tuple(notes))


def float_engine(bundle: Bundle) -> str:
    """The engine whose answers stand for a float bundle."""
    return _engine_of("tflite" if "tflite" in bundle.formats else "onnx")


def main_index(variants: Sequence[Variant]) -> int:
    """Which variant the headline is about: int8 before the others, LiteRT before the others, the first given."""
    return min(
        range(len(variants)),
        key=lambda i: (_HEADLINE_PRECISIONS.index(variants[i].precision), variants[i].engine != _HEADLINE_ENGINE, i),
    )


def _with_embedded(entries: list[Entry], notes: list[str]) -> tuple[list[Entry], dict[Entry, Entry]]:
    """Further entries for the float models inside bundles, where the very same is not there; and whose each is."""
    found = list(entries)
    own: dict[Entry, Entry] = {}
    for entry in entries:
        inside = entry.bundle.reference()
        if inside is None:
            continue
        # Another network may have the same layers: then its float model is not the one that this was made from.
        same = (one for one in found if one.precision == "float32" and _same_weights(one.bundle, inside))
        known = next(same, None)
        if known is None:
            label = f"{entry.label} (float model inside)"
            known = Entry(label, inside)
            found.append(known)
            notes.append(f"{entry.label}: measured against the float model inside the bundle, as {label!r}")
        own[entry] = known
    return found, own


def _same_weights(bundle: Bundle, inside: Bundle) -> bool:
    """Whether a float bundle holds all pieces of another, byte for byte, in a format that both have."""
    forms = set(bundle.formats) & set(inside.formats)
    return any(
        {bundle.manifest.digests[piece.member] for piece in bundle.manifest.pieces[form]}
        >= {inside.manifest.digests[piece.member] for piece in inside.manifest.pieces[form]}
        for form in forms
    )


def _reference_of(entry: Entry, entries: Sequence[Entry]) -> Entry | None:
    """The float32 bundle of the same architecture, if there is one; rather one with as many stages."""
    wanted, stages = _identity(entry.bundle.manifest), entry.bundle.stages
    same = [other for other in entries if other.precision == "float32" and _identity(other.bundle.manifest) == wanted]
    return min(same, key=lambda other: other.bundle.stages != stages, default=None)


def _identity(manifest: Manifest) -> tuple[Any, ...]:
    """What two bundles of one network have in common; one may be cut to fewer stages."""
    layers = {key: value for key, value in manifest.model.items() if key != "stages"}
    return manifest.landmarks.landmarks, manifest.geometry, layers


def _sessions(entry: Entry, engines: Sequence[str] | None, threads: int, notes: list[str]) -> list[Session]:
    if engines is None:
        found = []
        for engine in (_engine_of(form) for form in sorted(entry.bundle.formats, reverse=True)):
            try:
                found.append(entry.bundle.session(engine, threads=threads))
            except MissingExtraError as error:
                notes.append(f"{entry.label}: {error}")
        return found
    wanted = list(dict.fromkeys(engines))
    able = [engine for engine in wanted if set(ENGINES[engine].formats) & set(entry.bundle.formats)]
    notes += [
        f"{entry.label}: has nothing that {ENGINE_TITLES[engine]} reads (only {', '.join(entry.bundle.formats)})"
        for engine in wanted
        if engine not in able
    ]
    return [entry.bundle.session(engine, threads=threads) for engine in able]


def _engine_of(form: Format) -> str:
    """The first engine that reads a format: LiteRT for tflite, ONNX Runtime for onnx."""
    return next(name for name, known in ENGINES.items() if form in known.formats)


def _name(entry: Entry, engine: str, entries: Sequence[Entry]) -> str:
    """The precision says enough, unless several bundles share it."""
    shared = sum(other.precision == entry.precision for other in entries) > 1
    what = entry.label if entry.precision in entry.label else f"{entry.precision} {entry.label}"
    return f"{what if shared else entry.precision}, {ENGINE_TITLES[engine]}"
