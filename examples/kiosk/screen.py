"""Where the kiosk's frames go: files, or a window."""

import time
from pathlib import Path
from typing import Protocol

from PIL import Image

from fpm_edge_runtime import MissingExtraError, UsageError

__all__ = ["Files", "Screen", "Window"]

_PAUSE = 0.01  # seconds between two looks at the window's events


class Screen(Protocol):
    """Shows frames, and lets time pass meanwhile."""

    closed: bool

    def show(self, number: int, frame: Image.Image) -> None:
        """Show a frame; `number` counts those of the camera, from 1."""
        ...

    def wait(self, seconds: float) -> None:
        """Let so much time pass."""
        ...


class Files:
    """One JPEG a frame."""

    def __init__(self, folder: Path) -> None:
        self.closed = False
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def show(self, number: int, frame: Image.Image) -> None:
        frame.save(self._folder / f"{number:06}.jpg", quality=90)

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


class Window:
    """A window of Tk, which most Pythons bring."""

    def __init__(self) -> None:
        try:
            import tkinter as tk
        except ImportError as error:
            raise MissingExtraError(f"this Python has no Tk ({error}); install it, or use --output DIR") from error
        try:
            self._root = tk.Tk()
        except tk.TclError as error:
            raise UsageError(f"no window can be opened ({error}); write frames with --output DIR") from error
        self.closed = False
        self._root.title("fpm-edge kiosk")
        self._root.protocol("WM_DELETE_WINDOW", self._close)
        self._label = tk.Label(self._root)
        self._label.pack()

    def show(self, number: int, frame: Image.Image) -> None:
        from PIL import ImageTk

        # Tk keeps no reference to its picture.
        self._shown = ImageTk.PhotoImage(frame)
        self._label.configure(image=self._shown)

    def wait(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        while not self.closed:
            self._root.update()
            left = end - time.perf_counter()
            if left <= 0:
                return
            time.sleep(min(left, _PAUSE))

    def _close(self) -> None:
        self.closed = True
