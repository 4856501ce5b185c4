"""What a camera and a file format do to a picture."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageChops

from fpm_edge.render import _atlas
from fpm_edge.render._dice import Dice

_LEVELS = np.arange(256, dtype=np.float64)


def _tone(dice: Dice) -> list[int]:
    """Lookup tables of exposure, contrast and colour cast, one after another for R, G, B."""
    contrast, gain = dice.uniform(0.72, 1.25), dice.uniform(0.8, 1.27)
    lift, warm = dice.uniform(-6, 22), dice.centred(0.12)
    channels = np.array([gain * (1 + warm), gain * (1 + dice.centred(0.04)), gain * (1 - warm)])
    curves = (channels[:, None] * _LEVELS - 118) * contrast + 118 + lift
    table: list[int] = np.clip(curves, 0, 255).astype(np.uint8).ravel().tolist()
    return table


def develop(image: Image.Image, dice: Dice) -> Image.Image:
    """The same scene as a photograph: light, tone, noise, compression."""
    size = image.width
    if dice.chance(0.5):
        turn, reach = dice.centred(1.0), dice.uniform(0.5, 1.4) * 256 / size
        middle = _atlas.SIDE / 2
        shade = _atlas.window(_atlas.light(), size, size, x=middle, y=middle, cosine=reach, sine=turn * reach)
        image = ImageChops.multiply(image, shade.convert("RGB"))
    image = image.point(_tone(dice))
    if dice.chance(0.5):
        noise = dice.choice(_atlas.sensor_noise())
        x, y = dice.integer(0, max(1, noise.width - size)), dice.integer(0, max(1, noise.height - size))
        grain = noise.crop((x, y, x + size, y + size))
        if size > noise.width:
            grain = noise.resize(image.size)
        image = ImageChops.add(image, grain, 1.0, -128)
    if dice.chance(0.05):
        store = io.BytesIO()
        image.save(store, "JPEG", quality=dice.integer(25, 75))
        image = Image.open(store).convert("RGB")
    return image
