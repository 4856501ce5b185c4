"""`fpm-edge run`."""

from pathlib import Path
from typing import Any, Literal

import click
from rich.table import Table

from fpm_edge.cli.options import engine_option, json_option, print_json, print_table, say, trusted_option
from fpm_edge.overlay import draw_landmarks
from fpm_edge_runtime import Detection, Session, UsageError, load_image, open_bundle
from fpm_edge_runtime.convergence import CLEAR_PEAK
from fpm_edge_runtime.files import write_atomically
from fpm_edge_runtime.image import png_bytes
from fpm_edge_runtime.recognition import NOTHING

__all__ = ["command"]


@click.command("run")
@click.argument("bundle", type=click.Path(path_type=Path))
@click.argument("images", type=click.Path(path_type=Path), nargs=-1)
@click.option(
    "--category",
    help="What garment it is; only its landmarks are shown. By default found, if BUNDLE can; any: all landmarks.",
)
@click.option("--box", metavar="X0,Y0,X1,Y1", help="The garment's region in the picture, pixels.")
@engine_option
@click.option("--threads", type=click.IntRange(1), help="For the engine; by default its own choice.")
@click.option("--stages", type=int, help="Run at most so many stages.")
@click.option("--deadline-ms", type=float, help="Start no stage that would probably end later than this.")
@click.option(
    "--converge",
    "converge_px",
    metavar="PX",
    help="Stop where landmarks move by at most this, px of the input, or: fitted.",
)
@click.option(
    "--looks",
    type=int,
    default=1,
    show_default=True,
    help="2: look again at the region of what stage 1 found, for garments that are small in the picture.",
)
@click.option(
    "--overlay",
    type=click.Path(path_type=Path),
    metavar="DIR|FILE",
    help="Write pictures with landmarks into this folder; for video, one file, .mp4 or .avi.",
)
@click.option("--video", type=click.Path(path_type=Path), metavar="FILE", help="A video instead of IMAGES.")
@click.option("--camera", type=click.IntRange(0), metavar="N", help="A camera instead of IMAGES.")
@click.option("--track", is_flag=True, help="For video: look only where the garment was in the last frame.")
@click.option("--frames", type=click.IntRange(1), metavar="N", help="For video: stop after so many frames.")
@click.option("--show", is_flag=True, help="For video: show it in a window; close it to stop.")
@trusted_option()
@json_option
def command(
    bundle: Path,
    images: tuple[Path, ...],
    category: str | None,
    box: str | None,
    engine: str | None,
    threads: int | None,
    stages: int | None,
    deadline_ms: float | None,
    converge_px: str | None,
    looks: int,
    overlay: Path | None,
    video: Path | None,
    camera: int | None,
    track: bool,
    frames: int | None,
    show: bool,
    trusted: tuple[Path, ...] | None,
    as_json: bool,
) -> None:
    """Find landmarks on IMAGES with BUNDLE, in pixels of each picture; or on a video, smoothed over time.

    \b
    fpm-edge run mine.fpm photo.jpg --category trousers --overlay out
    fpm-edge run mine.fpm --video clip.mp4 --category trousers --overlay out.mp4
    fpm-edge run mine.fpm --camera 0 --category trousers --show
    """
    if sum((bool(images), video is not None, camera is not None)) != 1:
        raise UsageError("expected one of IMAGES, --video FILE and --camera N: what to find landmarks on")
    region, still = _parse_box(box), _parse_still(converge_px)
    source = video if video is not None else camera
    if source is not None and region is not None:
        raise UsageError("--box is for pictures; on video, --track finds the region itself")
    if source is not None and looks != 1:
        raise UsageError("--looks is for pictures; on video, --track finds the region itself")
    if source is None and (track or show or frames is not None):
        raise UsageError("--track, --frames and --show are for --video and --camera")
    session = open_bundle(bundle, trusted).session(engine, threads=threads)
    if source is not None:
        from fpm_edge.cli.run_video import VideoRun, run_video

        run_video(
            session, source, VideoRun(category, stages, deadline_ms, still, track, frames, overlay, show, as_json)
        )
        return
    if overlay is not None:
        if len({path.stem for path in images}) < len(images):
            raise UsageError("two of the pictures have the same name, so one overlay would replace the other")
        overlay.mkdir(parents=True, exist_ok=True)
    rows = []
    for path in images:
        picture = load_image(path)
        found = session.detect(
            picture,
            category=category,
            box=region,
            stages=stages,
            deadline_ms=deadline_ms,
            converge_px=still,
            looks=looks,
        )
        rows.append(_row(path, found, session))
        if overlay is not None:
            drawn = draw_landmarks(
                picture, found.landmarks, schema=session.schema, scores=found.scores, keep=found.labelled
            )
            target = overlay / f"{path.stem}.png"
            write_atomically(target, png_bytes(drawn))
            rows[-1]["overlay"] = str(target)
    if as_json:
        print_json(rows)
        return
    print_table(_table(rows))
    if len(rows) == 1 and rows[0]["landmarks"]:
        print_table(_points(rows[0]))
    if overlay is not None:
        say(f"{len(rows)} pictures with landmarks written to {overlay}")


def _parse_box(text: str | None) -> tuple[float, float, float, float] | None:
    if text is None:
        return None
    try:
        x0, y0, x1, y1 = (float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--box is {text!r}; expected four numbers X0,Y0,X1,Y1 in pixels") from None
    return x0, y0, x1, y1


def _parse_still(text: str | None) -> float | Literal["fitted"] | None:
    if text is None:
        return None
    if text == "fitted":
        return "fitted"
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"--converge is {text!r}; expected pixels of the input, or fitted") from None


def _row(path: Path, found: Detection, session: Session) -> dict[str, Any]:
    points: dict[str, dict[str, Any]] = {
        name: {"x": round(float(x), 2), "y": round(float(y), 2), "score": round(float(score), 4)}
        for name, (x, y), score, kept in zip(
            session.schema.landmarks, found.landmarks, found.scores, found.labelled, strict=True
        )
        if kept
    }
    if found.confidences is not None:
        for name, sure in zip(session.schema.landmarks, found.confidences.tolist(), strict=True):
            if name in points:
                points[name]["confidence"] = round(sure, 4)
    for name, doubt in found.doubts.items():
        if name in points:
            points[name]["doubt"] = doubt
    return {
        "image": str(path),
        "category": found.category,
        "category_score": None if found.category_score is None else round(found.category_score, 4),
        "look": found.looks,
        "stages_run": found.stages_run,
        "stop_reason": found.stop_reason,
        "engine": found.engine,
        "delegate": session.delegate,
        "delegated": session.delegated,
        "total_ms": round(found.timings.total_ms, 3),
        "landmarks": points,
    }


def _points(row: dict[str, Any]) -> Table:
    table = Table()
    table.add_column("landmark")
    sure = any("confidence" in point for point in row["landmarks"].values())
    for heading in ("x", "y", "score", *(("confidence",) if sure else ())):
        table.add_column(heading, justify="right")
    for name, point in row["landmarks"].items():
        score = f"{point['score']:.2f}" + (f" ({point['doubt']})" if "doubt" in point else "")
        more = (f"{point['confidence']:.0%}",) if sure else ()
        table.add_row(name, f"{point['x']:.1f}", f"{point['y']:.1f}", score, *more)
    return table


def _garment(row: dict[str, Any]) -> str:
    """Such as ``trousers (98 %)``; the share only where it was found."""
    name, score = row["category"], row["category_score"]
    if name is None:
        return "–"
    shown = "no garment" if name == NOTHING else str(name)
    return shown if score is None else f"{shown} ({score:.0%})"


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table()
    for heading in ("picture", "category", "stages", "stopped by", "ms", "clear landmarks"):
        table.add_column(heading)
    for row in rows:
        points = row["landmarks"]
        clear = sum(point["score"] >= CLEAR_PEAK for point in points.values())
        table.add_row(
            Path(row["image"]).name,
            _garment(row),
            str(row["stages_run"]) if row["look"] == 1 else f"{row['stages_run']}, second look",
            row["stop_reason"],
            f"{row['total_ms']:.1f}",
            f"{clear} of {len(points)}",
        )
    return table
