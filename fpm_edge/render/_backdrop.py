"""What is behind the garment: streets, studios, shops, floors, and other people."""

from __future__ import annotations

import math

from PIL import Image, ImageChops, ImageDraw

from fpm_edge.render import _atlas
from fpm_edge.render._canvas import Colour
from fpm_edge.render._dice import Dice
from fpm_edge.render._fabric import ramp, sample_fabric, shade, worn_colour

_WALLS: tuple[Colour, ...] = (
    (205, 198, 186),
    (160, 155, 150),
    (120, 112, 108),
    (150, 96, 78),
    (190, 160, 120),
    (90, 96, 104),
    (66, 84, 120),
    (226, 224, 220),
    (52, 52, 56),
)
_GROUNDS: tuple[Colour, ...] = (
    (140, 138, 136),
    (176, 170, 162),
    (100, 100, 104),
    (150, 120, 100),
    (110, 120, 90),
)
_LEAVES: tuple[Colour, ...] = ((60, 90, 45), (95, 120, 60), (40, 62, 38), (130, 130, 70))


def _textured(dice: Dice, width: int, height: int, dark: Colour, light: Colour) -> Image.Image:
    """A patch of cloud noise between two colours."""
    scale = dice.uniform(0.5, 1.5) * 256 / max(width, height, 128)
    angle = dice.uniform(0, math.pi)
    sheet = _atlas.window(
        dice.choice(_atlas.clouds()),
        width,
        height,
        x=320 + dice.centred(80),
        y=320 + dice.centred(80),
        cosine=scale * math.cos(angle),
        sine=scale * math.sin(angle),
    )
    sheet.putpalette(ramp((dark, light)))
    return sheet.convert("RGB")


def _surface(dice: Dice, width: int, height: int, colour: Colour) -> Image.Image:
    depth = dice.uniform(0.05, 0.5)
    return _textured(dice, width, height, shade(colour, 1 - depth), shade(colour, 1 + depth))


def _facade(pen: ImageDraw.ImageDraw, dice: Dice, box: tuple[float, float, float, float]) -> None:
    """Windows, doors or planks in a grid."""
    left, top, right, bottom = box
    columns, rows = dice.integer(1, 6), dice.integer(1, 7)
    glass, frame = shade(dice.choice(_WALLS), dice.uniform(0.3, 1.0)), shade(dice.choice(_WALLS), 0.8)
    step_x, step_y = (right - left) / columns, (bottom - top) / rows
    inset_x, inset_y = step_x * dice.uniform(0.08, 0.3), step_y * dice.uniform(0.08, 0.3)
    for column in range(columns):
        for row in range(rows):
            x, y = left + column * step_x, top + row * step_y
            area = (x + inset_x, y + inset_y, x + step_x - inset_x, y + step_y - inset_y)
            if area[2] > area[0] and area[3] > area[1]:
                pen.rectangle(area, fill=glass, outline=frame)


def _passer_by(pen: ImageDraw.ImageDraw, dice: Dice, x: float, foot: float, height: float) -> None:
    """A clothed figure in the distance: garments the network has to ignore."""
    top, skin = foot - height, (200, 160, 130)
    coat, legs = worn_colour(dice), worn_colour(dice)
    half = height * dice.uniform(0.09, 0.13)
    pen.ellipse((x - height * 0.05, top, x + height * 0.05, top + height * 0.14), fill=skin)
    step = height * dice.uniform(0.02, 0.1)
    for side in (-1, 1):
        pen.polygon(
            [(x - half * 0.8, top + height * 0.45), (x + half * 0.8, top + height * 0.45),
             (x + side * step + half * 0.4, foot), (x + side * step - half * 0.3, foot)],
            fill=legs,
        )  # fmt: skip
    hem = height * dice.uniform(0.42, 0.7)
    waist = top + height * 0.5
    pen.polygon(
        [(x - half, top + height * 0.16), (x + half, top + height * 0.16), (x + half * 1.4, waist),
         (x + half * 0.9, top + hem), (x - half * 0.9, top + hem), (x - half * 1.4, waist)],
        fill=coat,
    )  # fmt: skip


def _clutter(pen: ImageDraw.ImageDraw, dice: Dice, size: int, count: int) -> None:
    """Things of any shape and colour."""
    for _ in range(count):
        x, y = dice.uniform(0, size), dice.uniform(0, size)
        reach = size * dice.uniform(0.03, 0.25)
        colour = worn_colour(dice) if dice.chance(0.5) else dice.choice(_WALLS)
        shape = dice.integer(0, 4)
        if shape == 0:
            pen.ellipse((x - reach, y - reach * 0.7, x + reach, y + reach * 0.7), fill=colour)
        elif shape == 1:
            pen.rectangle((x, y, x + reach, y + reach * dice.uniform(0.3, 2.0)), fill=colour)
        elif shape == 2:
            end = (x + dice.centred(size), y + dice.centred(size))
            pen.line([(x, y), end], fill=colour, width=max(1, round(reach * 0.12)))
        else:
            corners = [(x + dice.centred(reach * 1.5), y + dice.centred(reach * 1.5)) for _ in range(4)]
            pen.polygon(corners, fill=colour)


def _street(dice: Dice, size: int, foot: float) -> Image.Image:
    horizon = foot - size * dice.uniform(0.08, 0.5)
    horizon = min(max(horizon, size * 0.2), size * 1.0)
    image = _surface(dice, size, size, dice.choice(_WALLS))
    pen = ImageDraw.Draw(image)
    x = -size * dice.unit() * 0.3
    while x < size:
        width = size * dice.uniform(0.2, 0.9)
        top = min(dice.uniform(-0.4, 0.4) * size, horizon - 2)
        if dice.chance(0.25):
            leaf = dice.choice(_LEAVES)
            area = _textured(dice, max(2, int(width)), size, shade(leaf, 0.4), shade(leaf, 1.7))
            image.paste(area, (int(x), int(max(0.0, top))))
        elif dice.chance(0.85):
            wall = shade(dice.choice(_WALLS), dice.uniform(0.6, 1.15))
            pen.rectangle((x, top, x + width, horizon), fill=wall)
            if dice.chance(0.8):
                _facade(pen, dice, (x, top, x + width, horizon - size * dice.uniform(0, 0.2)))
        x += width
    below = size - int(horizon)
    if below > 1:
        image.paste(_surface(dice, size, below, dice.choice(_GROUNDS)), (0, int(horizon)))
        edge = horizon + dice.uniform(0.05, 0.6) * below
        slope = dice.centred(0.3) * below
        if dice.chance(0.6):
            road = shade(dice.choice(_GROUNDS), dice.uniform(0.5, 1.3))
            pen.polygon([(0, edge), (size, edge + slope), (size, size), (0, size)], fill=road)
        for _ in range(dice.integer(0, 4)):
            start = (dice.uniform(0, size), horizon)
            pen.line([start, (start[0] + dice.centred(size), size)], fill=dice.choice(_GROUNDS), width=1)
    if dice.chance(0.4):
        car = size * dice.uniform(0.25, 0.6)
        left, colour = dice.uniform(-0.3, 0.9) * size, worn_colour(dice)
        top = horizon - car * 0.3
        pen.polygon(
            [(left, top + car * 0.2), (left + car * 0.25, top), (left + car * 0.7, top),
             (left + car, top + car * 0.2), (left + car, top + car * 0.42), (left, top + car * 0.42)],
            fill=colour,
        )  # fmt: skip
        for wheel in (0.15, 0.7):
            pen.ellipse(
                (left + car * wheel, top + car * 0.32, left + car * (wheel + 0.17), top + car * 0.5),
                fill=(25, 25, 25),
            )
    for _ in range(dice.integer(0, 4)):
        height = size * dice.uniform(0.15, 0.6)
        _passer_by(pen, dice, dice.uniform(0, size), min(size * 1.1, horizon + height * 0.25), height)
    return image


def _shop(dice: Dice, size: int) -> Image.Image:
    """Rails of hanging clothes, shelves."""
    image = _surface(dice, size, size, dice.choice(_WALLS))
    pen = ImageDraw.Draw(image)
    for _ in range(dice.integer(1, 4)):
        y, x = dice.uniform(-0.1, 0.8) * size, dice.uniform(-0.2, 0.7) * size
        pen.line([(x, y), (size, y)], fill=(60, 60, 60), width=2)
        while x < size and dice.chance(0.9):
            width, height = size * dice.uniform(0.04, 0.12), size * dice.uniform(0.2, 0.5)
            pen.polygon(
                [
                    (x, y + 4),
                    (x + width, y + 4),
                    (x + width * 1.15, y + height),
                    (x - width * 0.15, y + height),
                ],
                fill=worn_colour(dice),
            )
            x += width * dice.uniform(0.8, 1.4)
    _clutter(pen, dice, size, dice.integer(0, 5))
    return image


def _studio(dice: Dice, size: int) -> Image.Image:
    colour = dice.choice(((246, 246, 246), (228, 226, 224), (205, 205, 208), (180, 176, 172), worn_colour(dice)))
    image = Image.new("RGB", (size, size), colour)
    if dice.chance(0.6):
        shaded = Image.linear_gradient("L").rotate(dice.choice((0, 90, 180, 270))).resize((size, size))
        floor = dice.integer(120, 235)
        shaded = shaded.point([floor + (255 - floor) * level // 255 for level in range(256)])
        image = ImageChops.multiply(image, shaded.convert("RGB"))
    return image


def _floor(dice: Dice, size: int) -> Image.Image:
    """Wood, carpet, bed sheet: what clothes are laid on; or a second fabric."""
    if dice.chance(0.35):
        return sample_fabric(dice, size).patch(size, size, dice.uniform(0, math.pi))
    image = _surface(dice, size, size, dice.choice(_WALLS))
    pen = ImageDraw.Draw(image)
    if dice.chance(0.5):
        step, angle = size * dice.uniform(0.06, 0.2), dice.centred(0.5)
        for index in range(-6, 24):
            x = index * step
            pen.line([(x, 0), (x + angle * size, size)], fill=dice.choice(_WALLS), width=1)
    _clutter(pen, dice, size, dice.integer(0, 4))
    return image


def draw_backdrop(dice: Dice, size: int, *, worn: bool, foot: float, sharp: bool) -> Image.Image:
    """An RGB picture of `size` pixels; `foot` is the row of pixels where the person stands.

    With `sharp` false the whole photograph is soft, and the background is not blurred once more.
    """
    # Out of focus, backgrounds are drawn small and enlarged.
    blur = dice.weighted(((1.0, 3.5), (2.0, 1.6), (3.0, 0.7))) if sharp else 1.0
    small = max(16, round(size / blur))
    if worn:
        kind = dice.weighted((("street", 6.0), ("studio", 1.6), ("shop", 1.0), ("floor", 0.8)))
    else:
        kind = dice.weighted((("floor", 4.0), ("studio", 4.0), ("shop", 1.0)))
    if kind == "street":
        image = _street(dice, small, foot * small / size)
        if dice.chance(0.3):
            _clutter(ImageDraw.Draw(image), dice, small, dice.integer(1, 6))
    elif kind == "shop":
        image = _shop(dice, small)
    elif kind == "studio":
        image = _studio(dice, small)
    else:
        image = _floor(dice, small)
    return image if small == size else image.resize((size, size), Image.Resampling.BILINEAR)
