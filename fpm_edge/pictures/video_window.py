"""A window that shows pictures one after another. tkinter, so that it needs no other build of OpenCV."""

import tkinter as tk
from types import TracebackType

from PIL import Image, ImageTk

from fpm_edge_runtime.errors import UsageError

__all__ = ["Window"]


class Window:
    """A window; leave its ``with`` block and it is closed."""

    def __init__(self, title: str) -> None:
        """Open it.

        Raises:
            UsageError: there is no display.
        """
        try:
            self._root = tk.Tk()
        except tk.TclError as error:
            raise UsageError(f"no window can be shown ({error}); write a file with --overlay instead") from None
        self._root.title(title)
        self._label = tk.Label(self._root)
        self._label.pack()
        self._open = True
        self._root.protocol("WM_DELETE_WINDOW", self._close)
        self._root.bind("<Escape>", lambda _: self._close())

    def show(self, picture: Image.Image) -> bool:
        """Show this picture now; False if the window has been closed."""
        # Kept in the object: Tk shows nothing of a picture that Python has forgotten.
        self._picture = ImageTk.PhotoImage(picture, master=self._root)
        self._label.configure(image=self._picture)
        self._root.update()
        return self._open

    def _close(self) -> None:
        self._open = False

    def __enter__(self) -> "Window":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._root.destroy()
