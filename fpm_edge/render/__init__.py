"""Pictures of clothing drawn by the computer, with exact ground truth for the 24 FashionAI landmarks.

The data set that is always there: for tests, for demonstrations, and to train on before real photographs.
Needs numpy and Pillow only; nothing is made until the first picture is asked for.
"""

from fpm_edge.render._scene import CATEGORIES, RenderedGarment, render_backdrop, render_garment

__all__ = ["CATEGORIES", "RenderedGarment", "render_backdrop", "render_garment"]
