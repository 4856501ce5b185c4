"""What a report knows. `ReportData.to_dict` is the content of ``report.json``:

- ``format``: 1; ``created``: date and time, UTC; ``command``: the command that made it, or null; ``headline``: the
  summary in words
- ``dataset``: ``name``, ``pictures``, ``points`` (labelled), ``visible_points``, ``categories`` (name → pictures),
  ``schema``, ``digest`` (SHA-256 of the annotations, in order: the same digest means the same pictures), ``skipped``
  (bad rows left out), ``per_picture`` (of each picture in order: ``categories``, numbers of the names in
  ``dataset.categories``, and ``points``, how many are labelled)
- ``bundles``: one for each file: ``label``, ``name``, ``digest``, ``created``, ``precision``, ``method``, ``stages``,
  ``input`` ([width, height]), ``landmarks``, ``calibration``, ``max_ne_drift``, ``versions``, ``bytes`` and
  ``file_digest`` (SHA-256) of the file, ``digests`` of its members
- ``variants``: one for each bundle × engine: ``name``, ``bundle`` (its label), ``precision``, ``method``, ``format``,
  ``engine``, ``engine_version``, ``reference`` (label of the float model it is compared with, or null),
  ``is_reference``, ``budget`` (``limit``, ``upper``, ``met``; or null), ``landmarks`` and ``categories`` (drift of each
  at the last stage; empty without a float model), ``landmark_ne`` and ``category_ne`` (``name``, ``count``, ``ne`` of
  each at the last stage), ``errors`` (NE of single pictures, in order, null without a label: ``stages``, for each
  number of stages the mean of each picture's points, and ``landmarks``, name → NE of each picture at the last stage)
  and ``stages``, one for each number of stages:
  ``stages``, ``bytes`` (of the pieces that run), ``ne``, ``ne_interval`` (``estimate``, ``lower``, ``upper``: 95 %
  bounds of a bootstrap over pictures), ``ne_visible``, ``pck`` (share of points within 0.05),
  ``float_ne``, ``drift``, ``relative_drift``, ``disagreement`` (each ``estimate``, ``lower``, ``upper``; null without a
  float model), ``latency`` (milliseconds: ``inference`` = pieces and decoding, ``engine`` = pieces only, both with
  ``median``, ``p90``, ``p99``, ``runs``; medians of each of ``pieces``, of ``preprocess_ms``, of ``decode_ms``;
  ``runs_ms``: ``inference`` of every round, in order; round n of every variant ran in turn with the others') and
  ``ratio`` and ``engine_ratio`` (median ``inference`` and ``engine`` over those of float32 with as many stages in the
  same engine and run; or null)
- ``main``: index of the variant that the headline is about
- ``overlays``: pictures written beside the report: ``file``, ``kind``, ``identifier``, ``category``, ``caption``
- ``environment``: ``cpu``, ``logical_cpus``, ``load`` (one-minute average at the start, or null), ``system``,
  ``python``, ``threads``, ``repeats``, ``packages``
- ``notes``: what was left out, and why
- ``anytime``: what the main variant answered under deadlines: ``variant``, ``pictures``, and ``points``, each with
  ``deadline_ms``, ``ne`` (with bounds), ``stages`` (mean) and ``late`` (share); or null
- ``trust``: whether scores of the main variant at its last stage can be believed: ``stage``, ``points``, ``far`` (off
  by more than 0.1), and ``score`` and ``confidence`` (or null), each with ``error`` (expected calibration error),
  ``far_believed`` (share of the far points over 0.5) and ``bins``; or null
- ``table1`` and ``contest``: Table 1 of all variants in the paper's and in the contest's NE (`Table1.to_dict`), or null
- ``benches``: results of `fpm-edge bench` that were merged, as they were read
- ``gates``: what the variants were held to, where budgets were given: ``name`` (the option), ``variant``, ``what``,
  ``unit``, ``limit``, ``estimate``, ``judged`` (the worst end of its bounds), ``passed``, ``reason`` (why it could not
  be judged, or null)

Fields may be added, and readers skip those that they do not know; ``format`` rises when one changes its meaning.
NE is the paper's (`fpm_edge_runtime.pixels.metrics.normalized_error`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import msgspec

from fpm_edge.accuracy.drift import PartDrift
from fpm_edge.accuracy.trust import Trust
from fpm_edge.bench import Bench
from fpm_edge.report.gates import Gate
from fpm_edge.report.parts import Anytime, PartNe
from fpm_edge.report.scene import Scene
from fpm_edge_runtime.bundle.manifest import CalibrationCard, Format, Interval, Precision

__all__ = [
    "FORMAT",
    "NOT_IN_JSON",
    "Budget",
    "BundleFacts",
    "DatasetFacts",
    "Environment",
    "Latency",
    "Overlay",
    "PictureErrors",
    "PictureList",
    "ReportData",
    "Spread",
    "StageRow",
    "Variant",
]

FORMAT = 1

NOT_IN_JSON = ("pictures", "scenes", "photographs")
"""Fields of `ReportData` that only the page and the folder beside it hold."""


@dataclass(frozen=True)
class Spread:
    """Quantiles of `runs` measured times, milliseconds."""

    median: float
    p90: float
    p99: float
    runs: int


@dataclass(frozen=True)
class Latency:
    """Times of one variant with one number of stages, milliseconds.

    Attributes:
        inference: from the network's input to landmarks: the pieces and the decoding.
        engine: the pieces only.
        pieces: piece name → median.
        preprocess_ms: median of resizing and padding a decoded picture; in neither of the above.
        decode_ms: median of decoding.
        runs_ms: `inference` of every round in order, to 0.001 ms; what ran in one run is paired by round.
    """

    inference: Spread
    engine: Spread
    pieces: Mapping[str, float]
    preprocess_ms: float
    decode_ms: float
    runs_ms: tuple[float, ...] = ()


@dataclass(frozen=True)
class StageRow:
    """One variant that runs `stages` stages; see the module for the fields."""

    stages: int
    bytes: int
    ne: float
    ne_visible: float | None
    pck: float
    latency: Latency
    float_ne: float | None = None
    drift: Interval | None = None
    relative_drift: Interval | None = None
    disagreement: Interval | None = None
    ratio: float | None = None
    engine_ratio: float | None = None
    ne_interval: Interval | None = None


@dataclass(frozen=True)
class Budget:
    """The manifest's ``max_ne_drift`` against the upper 95 % bound of the relative drift; None: not known."""

    limit: float
    upper: float | None
    met: bool | None


@dataclass(frozen=True)
class PictureErrors:
    """NE of single pictures in the order of the data set; None where nothing is labelled.

    Attributes:
        stages: (numbers of stages, pictures) mean over a picture's labelled points, to 6 decimals.
        landmarks: name → (pictures,) at the last stage, to 5 decimals; landmarks without any label are left out.
    """

    stages: tuple[tuple[float | None, ...], ...]
    landmarks: Mapping[str, tuple[float | None, ...]]


@dataclass(frozen=True)
class Variant:
    """One bundle in one engine; see the module for the fields."""

    name: str
    bundle: str
    precision: Precision
    method: Literal["none", "ptq", "qat"]
    format: Format
    engine: str
    engine_version: str
    is_reference: bool
    stages: tuple[StageRow, ...]
    reference: str | None = None
    landmarks: tuple[PartDrift, ...] = ()
    budget: Budget | None = None
    categories: tuple[PartDrift, ...] = ()
    landmark_ne: tuple[PartNe, ...] = ()
    category_ne: tuple[PartNe, ...] = ()
    errors: PictureErrors | None = None

    @property
    def last(self) -> StageRow:
        """With all its stages."""
        return self.stages[-1]


@dataclass(frozen=True)
class BundleFacts:
    """What a bundle's manifest says."""

    label: str
    name: str
    digest: str
    created: str
    precision: Precision
    method: Literal["none", "ptq", "qat"]
    stages: int
    input: tuple[int, int]
    landmarks: str
    calibration: CalibrationCard | None
    max_ne_drift: float | None
    versions: Mapping[str, str]
    bytes: int = 0
    file_digest: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PictureList:
    """What the errors of single pictures are weighed and grouped by, in the order of the data set.

    Attributes:
        categories: (pictures,) each one's category, as its place in `DatasetFacts.categories`.
        points: (pictures,) how many of its landmarks are labelled.
    """

    categories: tuple[int, ...]
    points: tuple[int, ...]


@dataclass(frozen=True)
class DatasetFacts:
    """What was measured on."""

    name: str
    pictures: int
    points: int
    visible_points: int
    categories: Mapping[str, int]
    schema: str
    digest: str
    skipped: int
    per_picture: PictureList | None = None


@dataclass(frozen=True)
class Environment:
    """What was measured with."""

    cpu: str
    logical_cpus: int
    load: float | None
    system: str
    python: str
    threads: int
    repeats: int
    packages: Mapping[str, str]


@dataclass(frozen=True)
class Overlay:
    """A picture with landmarks on it.

    Attributes:
        file: its path beside the report.
        kind: two answers compared, or one answer after so many stages.
        identifier, category: the record's.
        caption: what it shows, in words.
    """

    file: str
    kind: Literal["comparison", "stage"]
    identifier: str
    category: str
    caption: str


@dataclass(frozen=True)
class ReportData:
    """All of a report.

    Not part of the JSON (`NOT_IN_JSON`): `pictures` maps the overlays' files to PNGs; `scenes` are the page's drawings,
    `photographs` maps the names of what lies under them to JPEGs.
    """

    headline: str
    created: str
    dataset: DatasetFacts
    bundles: tuple[BundleFacts, ...]
    variants: tuple[Variant, ...]
    main: int
    environment: Environment
    overlays: tuple[Overlay, ...] = ()
    notes: tuple[str, ...] = ()
    command: str | None = None
    format: int = FORMAT
    gates: tuple[Gate, ...] = ()
    pictures: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    scenes: tuple[Scene, ...] = field(default=(), repr=False)
    photographs: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    anytime: Anytime | None = None
    trust: Trust | None = None
    table1: Mapping[str, Any] | None = None
    contest: Mapping[str, Any] | None = None
    benches: tuple[Bench, ...] = ()

    @property
    def main_variant(self) -> Variant:
        """The one that the headline is about."""
        return self.variants[self.main]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        plain: dict[str, Any] = msgspec.to_builtins(replace(self, pictures={}, scenes=(), photographs={}))
        for name in NOT_IN_JSON:
            del plain[name]
        return plain
