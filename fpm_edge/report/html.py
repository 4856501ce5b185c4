"""The page: one HTML file that needs nothing else."""

import base64
import io
from importlib import resources
from types import ModuleType

import jinja2
from markupsafe import Markup
from PIL import Image

from fpm_edge.drift import PartDrift
from fpm_edge.report import words
from fpm_edge.report.data import Overlay, ReportData, Variant
from fpm_edge.report.facets import facets_of
from fpm_edge.report.marks import interval_bar, marker
from fpm_edge.report.pareto_plot import bubble_radius, pareto_plot
from fpm_edge.report.plan import ENGINE_TITLES
from fpm_edge.report.points import points_of

__all__ = ["render_html"]

_TEMPLATE = "template.html"
_SECTIONS = (
    "pareto", "measurements", "landmarks", "pictures", "calibration", "bundles", "environment", "reproduce",
)  # fmt: skip
_CONTENTS = (("tradeoff", "Accuracy against latency"),)
_JPEG_QUALITY = 82


def render_html(data: ReportData) -> str:
    """The report as one HTML document with everything inside."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    points = points_of(data)
    largest = max(point.bytes for point in points)
    environment.globals.update(
        words=_module(words),
        engine_titles=ENGINE_TITLES,
        legend_mark=lambda engine: Markup(marker(engine, 8, 8, 5.5)),
        interval_bar=lambda interval, reach: Markup(interval_bar(interval, reach)),
        image=lambda overlay: _data_uri(data, overlay),
        alt=_alt,
        worst_first=_worst_first,
        reach=_reach,
        data=data,
        main=data.main_variant,
        points=points,
        sections=_SECTIONS,
        contents=_CONTENTS,
        pareto_plot=Markup(pareto_plot(points)),
        facets=facets_of(points),
        devices=list(dict.fromkeys(point.device for point in points)),
        sizes=[(size, round(bubble_radius(size, largest), 1)) for size in (largest, largest // 4)],
        precisions=list(dict.fromkeys(point.precision for point in points)),
        engines=list(dict.fromkeys(point.engine for point in points)),
        engine_versions=sorted({(ENGINE_TITLES[v.engine], v.engine_version) for v in data.variants}),
        drifting=[v for v in _main_first(data) if v.landmarks and not v.is_reference],
        comparisons=[overlay for overlay in data.overlays if overlay.kind == "comparison"],
        by_stage=[overlay for overlay in data.overlays if overlay.kind == "stage"],
        calibrations=[bundle for bundle in data.bundles if bundle.calibration is not None],
        budgets=[variant for variant in data.variants if variant.precision != "float32"],
    )
    return environment.get_template(_TEMPLATE).render()


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _module(module: ModuleType) -> dict[str, object]:
    return {name: getattr(module, name) for name in module.__all__}


def _data_uri(data: ReportData, overlay: Overlay) -> str:
    """The picture as a JPEG inside the page; the PNG beside it is the original."""
    with Image.open(io.BytesIO(data.pictures[overlay.file])) as picture:
        out = io.BytesIO()
        picture.convert("RGB").save(out, format="JPEG", quality=_JPEG_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode("ascii")


def _alt(overlay: Overlay) -> str:
    what = "with landmarks of both models" if overlay.kind == "comparison" else "with landmarks and the true places"
    return f"Picture {overlay.identifier} {what}. {overlay.caption}."


def _main_first(data: ReportData) -> list[Variant]:
    return sorted(data.variants, key=lambda variant: variant is not data.main_variant)


def _worst_first(variant: Variant) -> list[PartDrift]:
    """Landmarks that occur, the largest relative drift first."""
    present = [entry for entry in variant.landmarks if entry.count]
    return sorted(present, key=lambda e: -e.relative_drift.estimate if e.relative_drift else float("inf"))


def _reach(variant: Variant) -> float:
    """The scale of a variant's bars: the largest bound of any landmark."""
    found = [entry.relative_drift for entry in variant.landmarks if entry.relative_drift is not None]
    return max((max(abs(interval.lower), abs(interval.upper)) for interval in found), default=0.0)
