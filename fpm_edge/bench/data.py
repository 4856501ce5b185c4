"""The result of `fpm-edge bench`: what is in it. `bench.file` reads and writes it.

A file is one JSON object, a `Bench`. A later version of fpm-edge may add fields without a new `VERSION`: readers leave
out what they do not know. What changes the meaning of a field gets a new version, and older readers refuse it.
All times are milliseconds unless the name says otherwise.
"""

from typing import Annotated, Final, Literal

import msgspec

from fpm_edge_runtime.bundle.manifest import Format, Precision

__all__ = [
    "FORMAT",
    "VERSION",
    "Bench",
    "BenchedBundle",
    "Cold",
    "Device",
    "Drift",
    "Energy",
    "Environment",
    "Memory",
    "Parts",
    "Protocol",
    "Ratio",
    "Row",
    "Spread",
    "WarmUp",
]

FORMAT: Final = "fpm-edge-bench"
VERSION: Final = 1


_Count = Annotated[int, msgspec.Meta(ge=1)]
_Amount = Annotated[float, msgspec.Meta(ge=0)]  # of time, memory or energy


class _Frozen(msgspec.Struct, frozen=True):
    pass


class Device(_Frozen, frozen=True):
    """What it ran on.

    Attributes:
        name: as given; by default the board's or the processor's model and its number of processors. No host name.
        cpu: model of the processor.
        processors: logical ones.
        usable_processors: how many of them the process might use.
        governors: the distinct CPU frequency governors, in order; empty where the system has none to tell.
        system: operating system with its release.
        machine: such as ``x86_64``.
        memory_mb: of the machine, 10⁶ bytes; None where the system does not tell.
        load: one-minute load average at the start, of other people's work; None where the system does not tell.
    """

    name: str
    cpu: str
    processors: _Count
    usable_processors: _Count
    governors: tuple[str, ...]
    system: str
    machine: str
    memory_mb: _Amount | None
    load: float | None


class Environment(_Frozen, frozen=True):
    """What it ran with: versions of Python and of the packages that are installed, name → version."""

    python: str
    packages: dict[str, str]


class BenchedBundle(_Frozen, frozen=True):
    """One of the bundles.

    Attributes:
        label: what the rows call it; each label once.
        name, created: from its manifest.
        digest: `fpm_edge_runtime.Bundle.digest`: the same bundle has the same in a report.
        bytes: size of the file.
        members: member name → bytes.
        precision, method: how its numbers are stored, and how their ranges were found.
        exceptions: piece name → precision, for pieces that are not stored in `precision`.
        stages: how many it has.
        schema: name of the landmark schema; `landmarks`: how many it has.
        input_width, input_height, stride: of the network, pixels.
        formats: which formats its pieces come in.
    """

    label: str
    name: str
    created: str
    digest: str
    bytes: int
    members: dict[str, int]
    precision: Precision
    method: Literal["none", "ptq", "qat"]
    exceptions: dict[str, str]
    stages: _Count
    schema: str
    landmarks: _Count
    input_width: _Count
    input_height: _Count
    stride: _Count
    formats: tuple[Format, ...]


class Protocol(_Frozen, frozen=True):
    """How it was measured; the same for all rows.

    Attributes:
        quick: `--quick`, or fewer queries or seconds than a published figure needs, were asked for.
        queries, seconds: the least of each that every row was to have.
        turns: in so many turns, each in a new order.
        seed: of the orders.
        pictures: what was looked at, in words: ``synthetic`` or the folder's name, with the number of pictures.
        picture_sizes: the distinct ones, (width, height) in pixels.
        percentile: how percentiles are taken, in words.
        warm_up: when a row counts as warm, in words.
        bootstrap: how the bounds of ratios are found, in words.
    """

    quick: bool
    queries: _Count
    seconds: _Amount
    turns: _Count
    seed: int
    pictures: str
    picture_sizes: tuple[tuple[int, int], ...]
    percentile: str
    warm_up: str
    bootstrap: str


class Spread(_Frozen, frozen=True):
    """Of the times of all queries of a row."""

    p50: _Amount
    p90: _Amount
    p99: _Amount
    mean: _Amount
    min: _Amount
    max: _Amount


class Drift(_Frozen, frozen=True):
    """Medians of the first and of the last tenth of a row's queries, and last ÷ first: over 1 where it got slower."""

    first: _Amount
    last: _Amount
    ratio: _Amount


class Parts(_Frozen, frozen=True):
    """Medians of each part of the call. They need not sum to the median of the whole.

    Attributes:
        preprocess: resizing and padding a picture that is in memory.
        pieces: piece name → time in the engine, in the order they ran.
        decode: from heatmaps to landmarks.
    """

    preprocess: _Amount
    pieces: dict[str, _Amount]
    decode: _Amount


class WarmUp(_Frozen, frozen=True):
    """What ran before the queries that count: how many, how long in all, and whether it became stable."""

    queries: _Count
    seconds: _Amount
    stable: bool


class Cold(_Frozen, frozen=True):
    """From nothing to the first landmarks, in fresh processes: medians over `processes`.

    Attributes:
        import_ms: importing the runtime and numpy.
        open_ms: opening the bundle and checking it.
        load_ms: importing the engine, loading the pieces and the session's own first runs.
        first_ms: the first call, until its landmarks.
        total_ms: all of it; without the start of the Python interpreter.
    """

    processes: _Count
    import_ms: _Amount
    open_ms: _Amount
    load_ms: _Amount
    first_ms: _Amount
    total_ms: _Amount


class Memory(_Frozen, frozen=True):
    """Peak resident memory of the same fresh processes, 10⁶ bytes, median. None: `why` says what was missing."""

    peak_mb: _Amount | None
    why: str = ""


class Energy(_Frozen, frozen=True):
    """Of the whole package (all processors, whoever used them) while the row's queries ran, by query.

    None: `why` says what was missing. `source` is what was read.
    """

    millijoules: _Amount | None
    source: str = ""
    why: str = ""


class Ratio(_Frozen, frozen=True):
    """How many times as long as another row, and what it may be with 95 % confidence.

    The geometric mean of the ratios of the medians of `Row.total` within each turn; bounds by the bootstrap over turns.

    Attributes:
        row: index of the other row.
        estimate, lower, upper: below 1 where this row is the faster.
    """

    row: int
    estimate: _Amount
    lower: _Amount
    upper: _Amount


class Row(_Frozen, frozen=True):
    """One bundle in one engine, with one number of threads and of stages.

    Attributes:
        bundle: label of the bundle.
        precision: the bundle's.
        engine, engine_version: what ran it.
        format: which of the bundle's formats.
        delegate, delegated: as of `fpm_edge_runtime.Session`.
        threads: for the engine.
        stages: how many ran.
        bytes: of the pieces that ran.
        queries, seconds: that count.
        published: at least 1,024 queries and 60 s, and stable before: what MLPerf would take.
        total: the whole call, from a picture in memory to landmarks in its pixels.
        inference: the same without pre-processing: pieces and decoding. That is what MLPerf's rules time.
        parts: pre-processing, each piece, decoding.
        drift: thermal drift, of `total`.
        turns: the median of `total` in each turn.
        warm_up: before the first turn.
        cold: None where no fresh process ended well; `cold_why` says how it ended.
        memory, energy: see there.
        to_first: against the first bundle, `to_float`: against the first float32 bundle, both in the same engine with
            as many threads and stages; `to_base`: against the first row. None where there is none, or it is this row.
    """

    bundle: str
    precision: Precision
    engine: str
    engine_version: str
    format: Format
    delegate: str
    delegated: float
    threads: _Count
    stages: _Count
    bytes: int
    queries: _Count
    seconds: _Amount
    published: bool
    total: Spread
    inference: Spread
    parts: Parts
    drift: Drift
    turns: tuple[_Amount, ...]
    warm_up: WarmUp
    cold: Cold | None
    cold_why: str
    memory: Memory
    energy: Energy
    to_first: Ratio | None
    to_float: Ratio | None
    to_base: Ratio | None


class Bench(_Frozen, frozen=True):
    """A whole run.

    Attributes:
        created: date and time of the start, UTC.
        fpm_edge: its version.
        command: what was typed.
        device, environment, bundles, protocol: see there.
        rows: bundles × engines × threads × stages, in the order in which they were asked for.
        notes: what was left out, and why.
    """

    created: str
    fpm_edge: str
    command: str
    device: Device
    environment: Environment
    bundles: tuple[BenchedBundle, ...]
    protocol: Protocol
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    format: Literal["fpm-edge-bench"] = FORMAT
    version: Literal[1] = VERSION
