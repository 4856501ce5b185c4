"""Video files in and out, and `fpm-edge run` on them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import run_command

from fpm_edge.cli import run_video
from fpm_edge.pictures.video import VideoFile, VideoSource, open_camera, open_video
from fpm_edge_runtime import DataError, UsageError

cv2 = pytest.importorskip("cv2")

FRAMES, FPS, WIDTH, HEIGHT = 12, 20.0, 96, 64


def picture(number: int) -> np.ndarray:
    """A red frame with a green square that moves to the right."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[..., 0] = 200
    pixels[24:40, 8 + 4 * number : 24 + 4 * number] = (0, 200, 0)
    return pixels


def write_clip(path: Path, code: str = "mp4v") -> Path:
    """By OpenCV itself, not by the code under test."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), FPS, (WIDTH, HEIGHT))
    for number in range(FRAMES):
        writer.write(np.ascontiguousarray(picture(number)[..., ::-1]))
    writer.release()
    return path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4")


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of `fpm-edge run`."""
    code, out, err = run_command(capsys, "run", *arguments)
    return code, out, err.strip()


# ---- files ----


def test_frames_are_rgb_and_have_their_times(clip: Path) -> None:
    video = open_video(clip)
    frames = list(video)
    video.close()
    assert video.fps == FPS
    assert len(frames) == FRAMES
    np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(FRAMES) / FPS, atol=1e-3)
    for number, frame in enumerate(frames):
        assert np.abs(frame.pixels.astype(int) - picture(number)).mean() < 12


def test_what_is_written_can_be_read_again(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.avi", "new/c.MP4"):
        with VideoFile(tmp_path / name, 10.0) as out:
            for number in range(FRAMES):
                out.write(picture(number))
        video = open_video(tmp_path / name)
        frames = list(video)
        video.close()
        assert (len(frames), video.fps) == (FRAMES, 10.0)
        assert np.abs(frames[-1].pixels.astype(int) - picture(FRAMES - 1)).mean() < 12
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.avi", "new"]


def test_nothing_half_written_remains(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"before")

    def write() -> None:
        with VideoFile(tmp_path / "a.mp4", FPS) as out:
            out.write(picture(0))
            out.write(picture(0)[:32])

    with pytest.raises(DataError, match="96 × 32 after frames of 96 × 64"):
        write()
    with VideoFile(tmp_path / "b.mp4", FPS):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    assert (tmp_path / "a.mp4").read_bytes() == b"before"


@pytest.mark.parametrize("name", ["a.webm", "a", "a.mp4/"])
def test_what_cannot_be_written(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.mp4").mkdir()
    with pytest.raises(UsageError, match=r"expected \.mp4 or \.avi|is a folder"):
        VideoFile(tmp_path / name, FPS)


def test_a_camera_that_is_not_there() -> None:
    with pytest.raises(DataError, match="camera 97 cannot be opened"):
        open_camera(97)


class FakeCapture:
    """What OpenCV's capture does, with these time stamps; at the end nothing, or what a user does at a keyboard."""

    def __init__(self, *milliseconds: float, end: BaseException | None = None) -> None:
        self.milliseconds, self.end, self.number = milliseconds, end, -1

    def get(self, what: int) -> float:
        return {cv2.CAP_PROP_FPS: 50.0, cv2.CAP_PROP_POS_MSEC: self.milliseconds[max(self.number, 0)]}[what]

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.number += 1
        if self.number < len(self.milliseconds):
            return True, np.ascontiguousarray(picture(self.number)[..., ::-1])
        if self.end is not None:
            raise self.end
        return False, None

    def release(self) -> None:
        pass


def test_times_always_grow() -> None:
    video = VideoSource(FakeCapture(0.0, 40.0, 40.0, 0.0, 200.0), "x", live=False)
    np.testing.assert_allclose([frame.time_s for frame in video], [0.0, 0.04, 0.06, 0.08, 0.2])


def test_a_camera_that_gives_nothing() -> None:
    capture = FakeCapture(0.0)
    capture.number = 0
    video = VideoSource(capture, "camera 0", live=True)
    with pytest.raises(DataError, match="camera 0 gave no frame"):
        next(iter(video))


# ---- the command ----


@pytest.mark.parametrize("live", [True, False])
def test_interrupted(
    live: bool,
    tmp_path: Path,
    tiny_bundle: Path,
    clip: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C is how a camera ends, and its video is kept; a file's is not all that was asked for."""
    source = VideoSource(FakeCapture(0.0, 20.0, 40.0, end=KeyboardInterrupt()), "x", live=live)
    monkeypatch.setattr(run_video, "open_camera", lambda _: source)
    monkeypatch.setattr(run_video, "open_video", lambda _: source)
    given = ("--camera", 0) if live else ("--video", clip)
    code, _, said = run(capsys, tiny_bundle, *given, "--overlay", tmp_path / "out.mp4")
    if live:
        assert code == 0, said
        video = open_video(tmp_path / "out.mp4")
        assert len(list(video)) == 3
        video.close()
    else:
        assert code == 130
    assert [path.name for path in tmp_path.iterdir()] == (["out.mp4"] if live else [])


def test_run_on_a_video(tmp_path: Path, tiny_bundle: Path, clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    overlay = tmp_path / "out.mp4"
    common = (tiny_bundle, "--video", clip, "--category", "skirt", "--json", "--stages", 2)
    code, printed, said = run(capsys, *common, "--overlay", overlay, "--track")
    assert code == 0, said
    rows: list[dict[str, Any]] = [json.loads(line) for line in printed.splitlines()]
    assert [row["frame"] for row in rows] == list(range(FRAMES))
    assert [row["restarted"] for row in rows][:1] == [True]
    assert all(row["stages_run"] == 2 for row in rows)
    for row in rows:
        assert set(row["landmarks"]) == {"waistband_left", "waistband_right", "hemline_left", "hemline_right"}
    video = open_video(overlay)
    drawn = list(video)
    video.close()
    assert len(drawn) == FRAMES
    assert drawn[0].pixels.shape == (HEIGHT, WIDTH, 3)
    assert f"{FRAMES} frames" in said


def test_run_stops_after_so_many_frames(tiny_bundle: Path, clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, printed, _ = run(capsys, tiny_bundle, "--video", clip, "--json", "--frames", 3)
    assert (code, len(printed.splitlines())) == (0, 3)


def test_missing_landmarks_are_null(
    tiny_bundle: Path, clip: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With scores that are never enough, nothing is believed, and nothing is held."""
    from fpm_edge_runtime import Smoothing, Tracker

    class Strict(Tracker):
        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named, smoothing=Smoothing(clear=9.0))

    monkeypatch.setattr(run_video, "Tracker", Strict)
    code, printed, _ = run(capsys, tiny_bundle, "--video", clip, "--json", "--frames", 2)
    assert code == 0
    points = [point for line in printed.splitlines() for point in json.loads(line)["landmarks"].values()]
    assert all(point["x"] is None and point["y"] is None and not point["held"] for point in points)


def test_a_window_needs_a_display(
    tiny_bundle: Path, clip: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tkinter", reason="this Python has no tkinter")
    monkeypatch.setenv("DISPLAY", "")
    code, _, said = run(capsys, tiny_bundle, "--video", clip, "--show")
    assert code == 2
    assert "--overlay instead" in said


@pytest.mark.parametrize("content", [b"", b"no video", "cut"])
def test_files_that_are_no_videos(
    tmp_path: Path, tiny_bundle: Path, clip: Path, content: bytes | str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.mp4"
    path.write_bytes(content if isinstance(content, bytes) else clip.read_bytes()[:300])
    overlay = tmp_path / "out.mp4"
    code, _, said = run(capfd, tiny_bundle, "--video", path, "--overlay", overlay)
    assert code == 1
    assert [line for line in said.splitlines() if not line.startswith("INFO")] == [
        f"fpm-edge: {path} is not a video that can be read; expected MP4, MOV, AVI, MKV or WebM, not cut short"
    ]
    assert [entry.name for entry in tmp_path.iterdir()] == ["bad.mp4"]


@pytest.mark.parametrize(("name", "what"), [("none.mp4", "no such file"), ("", "a folder")])
def test_files_that_are_none(
    tmp_path: Path, tiny_bundle: Path, name: str, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, said = run(capsys, tiny_bundle, "--video", tmp_path / name)
    assert code == 1
    assert what in said


@pytest.mark.parametrize(
    "given",
    [
        (),
        ("x.jpg", "--camera", 0),
        ("--video", "x.mp4", "--camera", 0),
        ("--video", "x.mp4", "--box", "0,0,5,5"),
        ("x.jpg", "--track"),
        ("x.jpg", "--frames", 3),
        ("x.jpg", "--show"),
    ],
)
def test_options_that_do_not_go_together(
    given: tuple[object, ...], tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, said = run(capsys, tiny_bundle, *given)
    assert code == 2
    assert said.startswith("fpm-edge: ")


def test_without_opencv_it_says_what_to_install(tiny_bundle: Path, clip: Path) -> None:
    program = "import sys; sys.modules['cv2'] = None; from fpm_edge.__main__ import main; main(sys.argv[1:])"
    arguments = ["run", str(tiny_bundle), "--video", str(clip)]
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert "pip install 'fpm-edge[video]'" in done.stderr
    assert "Traceback" not in done.stderr
