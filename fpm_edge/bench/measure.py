"""Measure bundles side by side on this device."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from time import perf_counter

from fpm_edge import __version__
from fpm_edge.bench.cold import ColdStart, cold_starts
from fpm_edge.bench.data import Bench, BenchedBundle, Protocol, Ratio, Row, WarmUp
from fpm_edge.bench.energy import EnergyMeter, find_meter
from fpm_edge.bench.frames import Frames
from fpm_edge.bench.machine import describe_device, describe_environment
from fpm_edge.bench.plan import Variant, make_plan
from fpm_edge.bench.settings import PUBLISHED_QUERIES, PUBLISHED_SECONDS, Settings
from fpm_edge.bench.spread import BOOTSTRAP, PERCENTILE, drift_of, ratio_of, spread_of
from fpm_edge.bench.stream import Stream, take_turns
from fpm_edge.bench.warm_up import warm_up
from fpm_edge.text.progress import progress_bar
from fpm_edge_runtime import Bundle, Session
from fpm_edge_runtime.check.record_cache import utc_now

__all__ = ["bench"]

Progress = Callable[[str, int], AbstractContextManager[Callable[..., None]]]


def bench(
    bundles: Sequence[tuple[str, Bundle]],
    frames: Frames,
    *,
    engines: Sequence[str] | None = None,
    threads: Sequence[int] = (1,),
    stages: Sequence[int] | None = None,
    settings: Settings | None = None,
    device: str | None = None,
    keys: Sequence[Path] | None = None,
    command: str = "",
    meter: EnergyMeter | str | None = None,
    clock: Callable[[], float] = perf_counter,
    progress: Progress = progress_bar,
) -> Bench:
    """Cold starts, then warm-up, then queries, each in turns over all variants.

    Args:
        bundles: (label, bundle), each label once. The first, and the first with float32, are what others are compared
            with.
        frames: pictures.
        engines: names; None for the one that `Bundle.session` takes by itself.
        threads: numbers of them.
        stages: numbers of them; None for all that a bundle has.
        settings: how long and how often; None for those of a published figure.
        device: what to call this device; None for its model.
        keys: public keys that the bundles must be signed with, for the fresh processes of cold starts.
        command: how to do it again, for the reader.
        meter: of energy; None for what is found here.
        clock: seconds, of warm-up and queries.
        progress: a bar for so many steps, as `progress_bar`.

    Raises:
        UsageError: an argument is out of range, or nothing is left to measure.
        MissingExtraError: an engine that was asked for is not installed.
        BundleError, FpmEdgeError: a bundle or an engine fails.
    """
    settings = settings or Settings()
    created, machine, environment = utc_now(), describe_device(device), describe_environment()
    plan = make_plan(bundles, engines, threads, stages)
    opened = dict(bundles)
    meter = find_meter() if meter is None else meter
    # Before anything is loaded here: the machine is as an app finds it.
    with progress("cold starts", len(plan.variants) * settings.processes) as advance:
        cold = cold_starts(
            plan.variants, opened, frames.sizes[0], settings.processes, keys=keys, seed=settings.seed, advance=advance
        )
    streams = _load(plan.variants, opened, frames, clock)
    with progress("warming up", len(streams)) as advance:
        warm = []
        for stream in streams:
            warm.append(warm_up(stream.query, settings.warm_up, clock))
            advance()
    with progress("measuring", len(streams) * settings.rounds) as advance:
        take_turns(streams, settings, None if isinstance(meter, str) else meter, advance)
    ratios = _Ratios(plan.variants, opened, streams)
    rows = tuple(
        _row(variant, opened[variant.label], stream, how, start, meter, ratios.of(index))
        for index, (variant, stream, how, start) in enumerate(zip(plan.variants, streams, warm, cold, strict=True))
    )
    return Bench(
        created=created,
        fpm_edge=__version__,
        command=command,
        device=machine,
        environment=environment,
        bundles=tuple(_bundle(label, bundle) for label, bundle in bundles),
        protocol=_protocol(settings, frames),
        rows=rows,
        notes=plan.notes,
    )


def _load(
    variants: Sequence[Variant], bundles: Mapping[str, Bundle], frames: Frames, clock: Callable[[], float]
) -> list[Stream]:
    """One session for each bundle, engine and number of threads, whatever the number of stages."""
    most: dict[tuple[str, str, int], int] = {}
    for variant in variants:
        key = (variant.label, variant.engine, variant.threads)
        most[key] = max(most.get(key, 1), variant.stages)
    sessions: dict[tuple[str, str, int], Session] = {
        (label, engine, threads): bundles[label].session(engine, threads, stages)
        for (label, engine, threads), stages in most.items()
    }
    return [
        Stream(sessions[variant.label, variant.engine, variant.threads], variant.stages, frames, clock)
        for variant in variants
    ]


class _Ratios:
    """Who is compared with whom."""

    def __init__(self, variants: Sequence[Variant], bundles: Mapping[str, Bundle], streams: Sequence[Stream]) -> None:
        self._variants = variants
        self._streams = streams
        self._first = next(iter(bundles))
        self._float = next(
            (label for label, one in bundles.items() if one.manifest.quantization.precision == "float32"), None
        )

    def of(self, index: int) -> tuple[Ratio | None, Ratio | None, Ratio | None]:
        """To the first bundle, to float, and to the first row."""
        alike = (self._alike(index, self._first), self._alike(index, self._float), 0)
        first, floating, base = (self._ratio(index, other) for other in alike)
        return first, floating, base

    def _alike(self, index: int, label: str | None) -> int | None:
        """The row of another bundle in the same engine, with as many threads and stages."""
        mine = self._variants[index]
        alike = (number for number, one in enumerate(self._variants) if _same_but_bundle(one, mine, label))
        return next(alike, None)

    def _ratio(self, index: int, other: int | None) -> Ratio | None:
        if other is None or other == index:
            return None
        return ratio_of(self._streams[index].turns, self._streams[other].turns, other)


def _same_but_bundle(one: Variant, mine: Variant, label: str | None) -> bool:
    return one.label == label and (one.engine, one.threads, one.stages) == (mine.engine, mine.threads, mine.stages)


def _row(
    variant: Variant,
    bundle: Bundle,
    stream: Stream,
    warm: WarmUp,
    start: ColdStart,
    meter: EnergyMeter | str,
    ratios: tuple[Ratio | None, Ratio | None, Ratio | None],
) -> Row:
    session, manifest = stream.session, bundle.manifest
    parts = stream.parts()
    members = {piece.name: piece.member for piece in manifest.pieces[session.format]}
    enough = len(stream.total) >= PUBLISHED_QUERIES and stream.seconds >= PUBLISHED_SECONDS
    return Row(
        bundle=variant.label,
        precision=manifest.quantization.precision,
        engine=session.engine,
        engine_version=session.engine_version,
        format=session.format,
        delegate=session.delegate,
        delegated=session.delegated,
        threads=variant.threads,
        stages=variant.stages,
        bytes=sum(len(bundle.read(members[name])) for name in parts.pieces),
        queries=len(stream.total),
        seconds=stream.seconds,
        published=enough and warm.stable,
        total=spread_of(stream.total),
        inference=spread_of(stream.inference),
        parts=parts,
        drift=drift_of(stream.total),
        turns=tuple(stream.turns),
        warm_up=warm,
        cold=start.cold,
        cold_why=start.why,
        memory=start.memory,
        energy=stream.energy(meter),
        to_first=ratios[0],
        to_float=ratios[1],
        to_base=ratios[2],
    )


def _bundle(label: str, bundle: Bundle) -> BenchedBundle:
    manifest, geometry = bundle.manifest, bundle.manifest.geometry
    source = bundle.source
    return BenchedBundle(
        label=label,
        name=manifest.name,
        created=manifest.created,
        digest=bundle.digest,
        bytes=len(source) if isinstance(source, bytes) else source.stat().st_size,
        members={name: len(bundle.read(name)) for name in bundle.members},
        precision=manifest.quantization.precision,
        method=manifest.quantization.method,
        exceptions=dict(manifest.quantization.exceptions),
        stages=manifest.stages,
        schema=manifest.landmarks.name,
        landmarks=len(manifest.landmarks.landmarks),
        input_width=geometry.input_width,
        input_height=geometry.input_height,
        stride=geometry.stride,
        formats=bundle.formats,
    )


def _protocol(settings: Settings, frames: Frames) -> Protocol:
    return Protocol(
        quick=settings.quick,
        queries=settings.queries,
        seconds=settings.seconds,
        turns=settings.rounds,
        seed=settings.seed,
        pictures=frames.name,
        picture_sizes=frames.sizes,
        percentile=PERCENTILE,
        warm_up=settings.warm_up.words,
        bootstrap=BOOTSTRAP,
    )
