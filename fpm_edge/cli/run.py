"""`fpm-edge run`."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import click

from fpm_edge.cli.inputs import INPUT
from fpm_edge.cli.options import engine_option, json_option, say, trusted_option
from fpm_edge.cli.outputs import Command, Target
from fpm_edge.cli.quiet import native_stderr_silenced
from fpm_edge.cli.run_bundle import SHIPPED_NOTE, split_bundle
from fpm_edge.cli.run_pictures import PictureRun, overlay_path, run_pictures
from fpm_edge.files.file_kinds import DRAWN, kind_named
from fpm_edge.shipped import shipped_bundle
from fpm_edge_runtime import UsageError, open_bundle

__all__ = ["command"]


class _Overlay(click.Path):
    """A folder of pictures; for video, a file."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def targets(self, value: Path, given: Mapping[str, Any]) -> Iterator[Target]:
        """The file; or the folder, and a picture in it for each that is looked at."""
        if given["video"] is not None or given["camera"] is not None:
            yield Target(value, kind_named(value.name))
            return
        yield Target(value, None)
        for image in split_bundle(given["paths"])[1]:
            yield Target(overlay_path(value, image), DRAWN, str(image))


@click.command("run", cls=Command)
@click.argument("paths", metavar="[BUNDLE] IMAGES...", type=INPUT, nargs=-1)
@click.option("--category", help="What garment it is, or any: all landmarks. By default it is found.")
@click.option("--box", metavar="X0,Y0,X1,Y1", help="The garment's region in the picture, pixels.")
@click.option(
    "--looks",
    type=click.IntRange(1, 2),
    default=1,
    show_default=True,
    help="With 2, look again at the region where the first look found a garment.",
)
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
    "--overlay",
    type=_Overlay(),
    metavar="DIR|FILE",
    help="Write pictures with landmarks into this folder; for video, one file, .mp4 or .avi.",
)
@click.option("--labels", is_flag=True, help="Write the landmarks' names into these pictures.")
@click.option("--video", type=INPUT, metavar="FILE", help="A video instead of IMAGES.")
@click.option("--camera", type=click.IntRange(0), metavar="N", help="A camera instead of IMAGES.")
@click.option("--track", is_flag=True, help="For video: look only where the garment was in the last frame.")
@click.option("--frames", type=click.IntRange(1), metavar="N", help="For video: stop after so many frames.")
@click.option("--show", is_flag=True, help="For video: show it in a window; close it to stop.")
@trusted_option()
@json_option
def command(
    paths: tuple[Path, ...],
    category: str | None,
    box: str | None,
    looks: int,
    engine: str | None,
    threads: int | None,
    stages: int | None,
    deadline_ms: float | None,
    converge_px: str | None,
    overlay: Path | None,
    labels: bool,
    video: Path | None,
    camera: int | None,
    track: bool,
    frames: int | None,
    show: bool,
    trusted: tuple[Path, ...] | None,
    as_json: bool,
) -> None:
    """Find landmarks on IMAGES, in pixels of each picture; or on a video, smoothed over time.

    Without BUNDLE (a file that ends in .fpm), with the bundle that the package ships. A picture that cannot be read is
    named, the others get their answers all the same, and the exit code is 1.

    \b
    fpm-edge run photo.jpg --overlay out
    fpm-edge run mine.fpm photo.jpg --category trousers --overlay out
    fpm-edge run mine.fpm --video clip.mp4 --category trousers --overlay out.mp4
    fpm-edge run mine.fpm --camera 0 --category trousers --show
    """
    bundle, images = split_bundle(paths)
    if sum((bool(images), video is not None, camera is not None)) != 1:
        raise UsageError("expected one of IMAGES, --video FILE and --camera N: what to find landmarks on")
    region, still = _parse_box(box), _parse_still(converge_px)
    source = video if video is not None else camera
    if source is not None and (region is not None or looks > 1):
        raise UsageError("--box and --looks are for pictures; on video, --track finds the region itself")
    if source is None and (track or show or frames is not None):
        raise UsageError("--track, --frames and --show are for --video and --camera")
    if labels and overlay is None and not show:
        raise UsageError("--labels says what to write into pictures; give --overlay as well")
    if bundle is None:
        say(SHIPPED_NOTE)
    opened = open_bundle(shipped_bundle() if bundle is None else bundle, trusted)
    # LiteRT says on stderr which delegate it made; the answer says that too.
    with native_stderr_silenced():
        session = opened.session(engine, threads=threads)
    if source is not None:
        from fpm_edge.cli.run_video import VideoRun, run_video

        run_video(
            session,
            source,
            VideoRun(category, stages, deadline_ms, still, track, frames, overlay, labels, show, as_json),
        )
        return
    if overlay is not None:
        overlay.mkdir(parents=True, exist_ok=True)
    run_pictures(
        session,
        images,
        PictureRun(category, region, stages, deadline_ms, still, looks, overlay, labels, as_json),
    )


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
