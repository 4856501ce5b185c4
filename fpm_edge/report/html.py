"""The page: one HTML file that needs nothing else."""

from importlib import resources
from types import ModuleType

import jinja2
from markupsafe import Markup

from fpm_edge.report import words
from fpm_edge.report.choices import choices_of
from fpm_edge.report.data import ReportData, Variant
from fpm_edge.report.deadline_plot import deadline_plot, due
from fpm_edge.report.facets import facets_of
from fpm_edge.report.gate_words import gate_cells, gate_headings, gate_summary, shown_gates
from fpm_edge.report.marks import interval_bar, marker
from fpm_edge.report.pareto_plot import bubble_radius, pareto_plot
from fpm_edge.report.plan import ENGINE_TITLES
from fpm_edge.report.points import points_of
from fpm_edge.report.scene import Scene
from fpm_edge.report.scene_svg import scene_svg
from fpm_edge.report.tables import benches_of, ne_rows, reach, side_by_side, table_cells, table_of, worst_first
from fpm_edge.report.trust_plot import trust_plot

__all__ = ["render_html"]

_TEMPLATE = "template.html"
# Load for each logical processor up to which the machine counts as idle.
_IDLE = 0.25
# In the order of the page.
_SECTIONS = (
    "choices",
    "pareto",
    "deadlines",
    "measurements",
    "devices",
    "landmarks",
    "trust",
    "table1",
    "pictures",
    "calibration",
    "bundles",
    "environment",
    "reproduce",
)


def render_html(data: ReportData) -> str:
    """The report as one HTML document with everything inside."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        words=_module(words),
        engine_titles=ENGINE_TITLES,
        legend_mark=lambda engine: Markup(marker(engine, 8, 8, 5.5)),
        interval_bar=lambda interval, reach: Markup(interval_bar(interval, reach)),
        worst_first=worst_first,
        reach=reach,
        due=due,
        table_cells=table_cells,
        draw=_Drawer(data),
        data=data,
        main=data.main_variant,
        sections=_SECTIONS,
        **_plots(data),
        **_tables(data),
        **_drawings(data),
    )
    return environment.get_template(_TEMPLATE).render()


def _plots(data: ReportData) -> dict[str, object]:
    points = points_of(data)
    largest = max(point.bytes for point in points)
    return {
        "points": points,
        "pareto_plot": Markup(pareto_plot(points)),
        "deadline_plot": Markup(deadline_plot(points, data.anytime)),
        "trust_plot": Markup(trust_plot(data.trust)) if data.trust is not None else "",
        "facets": facets_of(points),
        "choices": choices_of(data, points),
        "optimal": {(p.variant, p.stages) for p in points if p.optimal and p.device == data.environment.cpu},
        "devices": list(dict.fromkeys(point.device for point in points)),
        "sizes": [(size, round(bubble_radius(size, largest), 1)) for size in (largest, largest // 4)],
        "precisions": list(dict.fromkeys(point.precision for point in points)),
        "engines": list(dict.fromkeys(point.engine for point in points)),
        "busy": data.environment.load is not None and data.environment.load > _IDLE * data.environment.logical_cpus,
        "side_by_side": side_by_side(points),
        "benches": benches_of(data),
    }


def _tables(data: ReportData) -> dict[str, object]:
    ordered = _main_first(data)
    return {
        "engine_versions": sorted({(ENGINE_TITLES[v.engine], v.engine_version) for v in data.variants}),
        "drifting": [v for v in ordered if v.landmarks and not v.is_reference],
        "ne_names": [variant.name for variant in ordered],
        "landmark_rows": ne_rows([variant.landmark_ne for variant in ordered]),
        "category_rows": ne_rows([variant.category_ne for variant in ordered]),
        "table1": [table_of(table) for table in (data.table1, data.contest) if table is not None],
        "calibrations": [bundle for bundle in data.bundles if bundle.calibration is not None],
        "gate_headings": gate_headings(),
        "gate_rows": [(gate_cells(gate), gate.passed) for gate in shown_gates(data.gates)],
        "gate_summary": gate_summary(data.gates) if data.gates else "",
        "budgets": [variant for variant in data.variants if variant.precision != "float32" and variant.budget],
        "unbudgeted": list(
            dict.fromkeys(v.bundle for v in data.variants if v.precision != "float32" and v.budget is None)
        ),
    }


def _drawings(data: ReportData) -> dict[str, object]:
    stages = [scene for scene in data.scenes if scene.kind == "stage"]
    rows = list(dict.fromkeys(scene.row for scene in stages))
    return {
        "galleries": {kind: [s for s in data.scenes if s.kind == kind] for kind in ("apart", "wrong")},
        "evolution": [(row, [scene for scene in stages if scene.row == row]) for row in rows],
        "compared_with_float": any(mark.reference is not None for scene in data.scenes for mark in scene.marks),
    }


class _Drawer:
    """Scene → SVG. A photograph is in the page once, in the first drawing of it."""

    def __init__(self, data: ReportData) -> None:
        self._left = dict(data.photographs)

    def __call__(self, scene: Scene) -> Markup:
        return Markup(scene_svg(scene, self._left.pop(scene.picture, None)))


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def _module(module: ModuleType) -> dict[str, object]:
    return {name: getattr(module, name) for name in module.__all__}


def _main_first(data: ReportData) -> list[Variant]:
    return sorted(data.variants, key=lambda variant: variant is not data.main_variant)
