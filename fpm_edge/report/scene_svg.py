"""A scene as inline SVG: the photograph, a heatmap over it, and marks whose shapes differ as their colours do."""

import base64
from collections.abc import Iterator
from html import escape

from fpm_edge.report.scene import Mark, Scene

__all__ = ["data_uri", "scene_svg"]

# Share of the frame's longer side.
_RADIUS = 1 / 90


def scene_svg(scene: Scene, photograph: bytes | None) -> str:
    """The drawing.

    Args:
        scene: what to draw.
        photograph: its JPEG where this is the first drawing of the page with it; None to refer to that one.
    """
    radius = max(scene.width, scene.height) * _RADIUS
    size = f'width="{scene.width}" height="{scene.height}"'
    named = escape(scene.picture)
    photo = (
        f'<use href="#{named}"/>'
        if photograph is None
        else f'<image id="{named}" {size} href="{data_uri(photograph, "jpeg")}"/>'
    )
    heat = ""
    if scene.heat is not None:
        x0, y0, x1, y1 = scene.heat.box
        heat = (
            f'<image x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" height="{y1 - y0:.1f}" '
            f'preserveAspectRatio="none" href="{data_uri(scene.heat.png, "png")}"/>'
        )
    marks = "".join(part for mark in scene.marks for part in _mark(mark, radius))
    return (
        f'<svg class="scene" viewBox="0 0 {scene.width} {scene.height}" role="img" aria-label="{escape(_alt(scene))}">'
        f"{photo}{heat}{marks}</svg>"
    )


def data_uri(content: bytes, kind: str) -> str:
    """A picture as an address that holds it."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _mark(mark: Mark, radius: float) -> Iterator[str]:
    """Truth is a cross, float a ring, the variant a dot with a line to float's ring; dark edges keep all in sight."""
    title = f"<title>{escape(mark.name)}: {escape(mark.note)}</title>"
    if mark.truth is not None:
        x, y = mark.truth
        arm = 1.5 * radius
        path = f"M{x - arm:.1f} {y:.1f}h{2 * arm:.1f}M{x:.1f} {y - arm:.1f}v{2 * arm:.1f}"
        yield f'<g class="truth">{title}<path class="edge" d="{path}"/><path d="{path}"/></g>'
    x, y = mark.found
    if mark.reference is not None:
        a, b = mark.reference
        place = f'cx="{a:.1f}" cy="{b:.1f}" r="{1.75 * radius:.1f}"'
        yield (
            f'<g class="float">{title}<path class="link" d="M{a:.1f} {b:.1f}L{x:.1f} {y:.1f}"/>'
            f'<circle class="edge" {place}/><circle {place}/></g>'
        )
    sure = "" if mark.sure else " unsure"
    yield f'<g class="found{sure}">{title}<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/></g>'


def _alt(scene: Scene) -> str:
    what = {
        "apart": "landmarks of the variant, of the float model and of the annotation",
        "wrong": "landmarks of the variant, of the float model and of the annotation",
        "stage": "heatmap and landmarks of one stage",
    }[scene.kind]
    return f"{scene.category}, picture {scene.identifier}: {what}. {scene.caption}"
