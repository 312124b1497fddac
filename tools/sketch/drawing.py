"""Draw a scene: one thing, in a colour, somewhere, in a style.

Everything that the pipeline ever sees is drawn here, on a canvas four times as wide as the image and then shrunk, so
that edges are smooth. Which words stand for what is in `words.py`.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from PIL import Image, ImageDraw

IMAGE_SIZE = 32
_SCALE = 4
_CANVAS = IMAGE_SIZE * _SCALE

Colour = tuple[int, int, int]
Points = Sequence[tuple[float, float]]

WHITE: Colour = (250, 250, 248)
BLACK: Colour = (30, 30, 34)
COLOURS: dict[str, Colour] = {
    "red": (214, 40, 40),
    "blue": (44, 90, 214),
    "green": (46, 150, 62),
    "yellow": (246, 208, 46),
    "purple": (126, 58, 170),
    "orange": (240, 130, 32),
    "pink": (240, 134, 176),
    "brown": (122, 76, 42),
    "grey": (140, 142, 148),
    "black": BLACK,
}


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """A colour with a share of another in it."""
    red, green, blue = (
        round(a * (1 - share) + b * share) for a, b in zip(colour, other, strict=True)
    )
    return red, green, blue


@dataclass(frozen=True, kw_only=True)
class Style:
    """How a scene is put on paper."""

    tint: Callable[[Colour], Colour] = lambda colour: colour
    """What becomes of every colour."""
    line: Colour | None = None
    """Colour of outlines; `None` draws none."""
    filled: bool = True
    ground: Colour | None = None
    """Colour of the paper when nothing is filled."""
    grid: Colour | None = None
    """Colour of grid lines under the drawing."""
    finish: Callable[[Image.Image], Image.Image] = lambda image: image
    """The last touch, on the small image."""


PLAIN = Style()


@dataclass(frozen=True, kw_only=True)
class Scene:
    """What to draw. Places and sizes are shares of the width, from the top left corner."""

    thing: str
    colour: Colour
    context: str = ""
    style: Style = PLAIN
    x: float = 0.5
    y: float = 0.56
    size: float = 0.3
    """From the middle of the thing to its edge."""
    seed: int = 0
    """Decides where stars, flakes and drops are."""
    details: dict[str, Colour] = field(default_factory=dict)
    """Colours of parts that make one thing of its class different from the others."""


class _Brush:
    """Draws shapes in a style on one canvas."""

    def __init__(self, style: Style) -> None:
        self.style = style
        ground = WHITE if style.filled else (style.ground or WHITE)
        self.image = Image.new(
            "RGB", (_CANVAS, _CANVAS), style.tint(ground) if style.filled else ground
        )
        self._draw = ImageDraw.Draw(self.image)
        if style.grid:
            for at in range(0, _CANVAS, _CANVAS // 4):
                self._draw.line([(at, 0), (at, _CANVAS)], fill=style.grid, width=3)
                self._draw.line([(0, at), (_CANVAS, at)], fill=style.grid, width=3)

    def polygon(self, points: Points, colour: Colour) -> None:
        scaled = [(x * _CANVAS, y * _CANVAS) for x, y in points]
        if self.style.filled:
            self._draw.polygon(scaled, fill=self.style.tint(colour))
        if self.style.line:
            self._draw.line(
                [*scaled, scaled[0], scaled[1]], fill=self.style.line, width=6, joint="curve"
            )

    def ellipse(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        box = [(x - rx) * _CANVAS, (y - ry) * _CANVAS, (x + rx) * _CANVAS, (y + ry) * _CANVAS]
        if self.style.filled:
            self._draw.ellipse(box, fill=self.style.tint(colour))
        if self.style.line:
            self._draw.ellipse(box, outline=self.style.line, width=6)

    def ring(self, x: float, y: float, radius: float, width: float, colour: Colour) -> None:
        box = [
            (x - radius) * _CANVAS,
            (y - radius) * _CANVAS,
            (x + radius) * _CANVAS,
            (y + radius) * _CANVAS,
        ]
        fill = self.style.tint(colour) if self.style.filled else self.style.line
        self._draw.ellipse(
            box, outline=fill, width=max(6, round(width * _CANVAS)) if self.style.filled else 6
        )

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def line(self, points: Points, colour: Colour, width: float = 0.03) -> None:
        fill = self.style.tint(colour) if self.style.filled else (self.style.line or colour)
        self._draw.line(
            [(x * _CANVAS, y * _CANVAS) for x, y in points],
            fill=fill,
            width=max(4, round(width * _CANVAS)),
        )


def draw(scene: Scene) -> Image.Image:
    """The image of a scene, `IMAGE_SIZE` wide and high."""
    brush = _Brush(scene.style)
    CONTEXTS[scene.context](brush, random.Random(scene.seed))
    THINGS[scene.thing](brush, scene)
    small = brush.image.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BOX)
    return scene.style.finish(small)


# --- places ----------------------------------------------------------------------------------------------------------


def _paper(brush: _Brush, _: random.Random) -> None:
    pass


def _ground(brush: _Brush, sky: Colour, earth: Colour, horizon: float) -> None:
    brush.box(-0.1, -0.1, 1.1, horizon, sky)
    brush.box(-0.1, horizon, 1.1, 1.1, earth)


def _hill(brush: _Brush, _: random.Random) -> None:
    brush.box(-0.1, -0.1, 1.1, 1.1, (168, 212, 246))
    brush.ellipse(0.5, 1.12, 0.85, 0.42, (104, 186, 84))


def _sea(brush: _Brush, chance: random.Random) -> None:
    _ground(brush, (206, 232, 248), (42, 134, 190), 0.62)
    for _ in range(3):
        x, y = chance.uniform(0, 0.8), chance.uniform(0.7, 0.95)
        brush.line([(x, y), (x + 0.2, y)], (150, 206, 236))


def _snow(brush: _Brush, chance: random.Random) -> None:
    _ground(brush, (150, 172, 196), (244, 248, 252), 0.68)
    for _ in range(9):
        brush.ellipse(chance.random(), chance.uniform(0, 0.65), 0.022, 0.022, (250, 252, 255))


def _night(brush: _Brush, chance: random.Random) -> None:
    _ground(brush, (20, 22, 60), (34, 44, 50), 0.76)
    brush.ellipse(0.84, 0.15, 0.09, 0.09, (248, 240, 190))
    for _ in range(6):
        brush.ellipse(
            chance.uniform(0, 0.7), chance.uniform(0, 0.45), 0.018, 0.018, (240, 240, 220)
        )


def _desert(brush: _Brush, _: random.Random) -> None:
    _ground(brush, (250, 190, 128), (232, 202, 120), 0.66)
    brush.ellipse(0.16, 0.16, 0.09, 0.09, (255, 240, 170))


def _table(brush: _Brush, _: random.Random) -> None:
    _ground(brush, (232, 222, 206), (150, 98, 58), 0.74)
    brush.line([(-0.1, 0.74), (1.1, 0.74)], (104, 64, 36), 0.04)


def _rain(brush: _Brush, chance: random.Random) -> None:
    _ground(brush, (128, 134, 144), (84, 96, 88), 0.76)
    for _ in range(9):
        x, y = chance.random(), chance.uniform(0, 0.7)
        brush.line([(x, y), (x - 0.04, y + 0.12)], (190, 206, 230))


CONTEXTS: dict[str, Callable[[_Brush, random.Random], None]] = {
    "": _paper,
    "on a hill": _hill,
    "by the sea": _sea,
    "in the snow": _snow,
    "at night": _night,
    "in the desert": _desert,
    "on a table": _table,
    "in the rain": _rain,
}


# --- things ----------------------------------------------------------------------------------------------------------


def _at(scene: Scene, points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points given from -1 to 1 around the middle of the thing."""
    return [(scene.x + x * scene.size, scene.y + y * scene.size) for x, y in points]


def _dark(scene: Scene) -> Colour:
    return mixed(scene.colour, (0, 0, 0), 0.45) if scene.colour != BLACK else (96, 96, 102)


def _circle(brush: _Brush, scene: Scene) -> None:
    brush.ellipse(scene.x, scene.y, scene.size * 0.9, scene.size * 0.9, scene.colour)


def _square(brush: _Brush, scene: Scene) -> None:
    brush.polygon(
        _at(scene, [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)]), scene.colour
    )


def _triangle(brush: _Brush, scene: Scene) -> None:
    brush.polygon(_at(scene, [(0, -1), (1, 0.8), (-1, 0.8)]), scene.colour)


def _star(brush: _Brush, scene: Scene) -> None:
    tips = [(0, -1), (0.95, -0.31), (0.59, 0.81), (-0.59, 0.81), (-0.95, -0.31)]
    dents = [(0.26, -0.36), (0.42, 0.14), (0, 0.44), (-0.42, 0.14), (-0.26, -0.36)]
    points = [point for pair in zip(tips, dents, strict=True) for point in pair]
    brush.polygon(_at(scene, points), scene.colour)


def _heart(brush: _Brush, scene: Scene) -> None:
    outline = [(0, 1), (-0.95, 0), (-0.95, -0.45), (-0.65, -0.8), (-0.25, -0.75), (0, -0.4)]
    mirrored = [(-x, y) for x, y in reversed(outline[1:-1])]
    brush.polygon(_at(scene, [*outline, *mirrored]), scene.colour)


def _house(brush: _Brush, scene: Scene) -> None:
    roof, door = scene.details.get("roof", _dark(scene)), scene.details.get("door", _dark(scene))
    brush.polygon(_at(scene, [(-0.8, -0.1), (0.8, -0.1), (0.8, 0.95), (-0.8, 0.95)]), scene.colour)
    brush.polygon(_at(scene, [(0, -1), (1.05, -0.1), (-1.05, -0.1)]), roof)
    brush.polygon(_at(scene, [(-0.22, 0.3), (0.22, 0.3), (0.22, 0.95), (-0.22, 0.95)]), door)


def _tree(brush: _Brush, scene: Scene) -> None:
    brush.polygon(_at(scene, [(-0.16, 0.2), (0.16, 0.2), (0.16, 1), (-0.16, 1)]), (112, 72, 44))
    brush.ellipse(
        scene.x, scene.y - 0.3 * scene.size, scene.size * 0.75, scene.size * 0.7, scene.colour
    )


def _boat(brush: _Brush, scene: Scene) -> None:
    brush.polygon(_at(scene, [(-1, 0.35), (1, 0.35), (0.6, 0.9), (-0.6, 0.9)]), scene.colour)
    brush.line(_at(scene, [(0, 0.35), (0, -1)]), (90, 60, 40))
    brush.polygon(
        _at(scene, [(0.1, -0.95), (0.8, 0.2), (0.1, 0.2)]), mixed(scene.colour, WHITE, 0.6)
    )


def _fish(brush: _Brush, scene: Scene) -> None:
    brush.polygon(_at(scene, [(0.5, 0), (1, -0.5), (1, 0.5)]), _dark(scene))
    brush.ellipse(
        scene.x - 0.2 * scene.size, scene.y, scene.size * 0.8, scene.size * 0.5, scene.colour
    )
    brush.ellipse(
        scene.x - 0.6 * scene.size,
        scene.y - 0.1 * scene.size,
        scene.size * 0.13,
        scene.size * 0.13,
        WHITE,
    )


def _mug(brush: _Brush, scene: Scene) -> None:
    handle, band = scene.details.get("handle", scene.colour), scene.details.get("band")
    brush.ring(scene.x + 0.62 * scene.size, scene.y, scene.size * 0.42, scene.size * 0.18, handle)
    brush.polygon(
        _at(scene, [(-0.75, -0.8), (0.6, -0.8), (0.6, 0.85), (-0.75, 0.85)]), scene.colour
    )
    if band:
        brush.polygon(_at(scene, [(-0.75, -0.25), (0.6, -0.25), (0.6, 0.3), (-0.75, 0.3)]), band)
    brush.polygon(
        _at(scene, [(-0.75, -0.8), (0.6, -0.8), (0.6, -0.58), (-0.75, -0.58)]),
        scene.details.get("rim", _dark(scene)),
    )


def _flower(brush: _Brush, scene: Scene) -> None:
    brush.line(_at(scene, [(0, 0), (0, 1)]), (60, 130, 60), 0.04)
    for x, y in [(0, -0.75), (0.43, -0.43), (0.27, 0.08), (-0.27, 0.08), (-0.43, -0.43)]:
        brush.ellipse(
            scene.x + x * scene.size,
            scene.y + y * scene.size,
            scene.size * 0.32,
            scene.size * 0.32,
            scene.colour,
        )
    brush.ellipse(
        scene.x, scene.y - 0.3 * scene.size, scene.size * 0.25, scene.size * 0.25, (250, 224, 90)
    )


def _car(brush: _Brush, scene: Scene) -> None:
    brush.polygon(
        _at(scene, [(-0.5, -0.5), (0.4, -0.5), (0.65, 0), (-0.7, 0)]),
        mixed(scene.colour, WHITE, 0.5),
    )
    brush.polygon(_at(scene, [(-1, 0), (1, 0), (1, 0.5), (-1, 0.5)]), scene.colour)
    for x in (-0.55, 0.55):
        brush.ellipse(
            scene.x + x * scene.size,
            scene.y + 0.55 * scene.size,
            scene.size * 0.26,
            scene.size * 0.26,
            (40, 40, 44),
        )


THINGS: dict[str, Callable[[_Brush, Scene], None]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "heart": _heart,
    "house": _house,
    "tree": _tree,
    "boat": _boat,
    "fish": _fish,
    "mug": _mug,
    "flower": _flower,
    "car": _car,
}


# --- styles ----------------------------------------------------------------------------------------------------------


def _mosaic(image: Image.Image) -> Image.Image:
    size = image.size
    return image.resize((8, 8), Image.Resampling.BOX).resize(size, Image.Resampling.NEAREST)


def _sepia(colour: Colour) -> Colour:
    grey = (0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]) / 255
    return mixed((64, 38, 18), (250, 232, 200), grey)


STYLES: dict[str, Style] = {
    "outline": Style(filled=False, line=(40, 40, 46), ground=WHITE),
    "pastel": Style(tint=lambda colour: mixed(colour, (255, 250, 246), 0.62)),
    "sepia": Style(tint=_sepia),
    "mosaic": Style(finish=_mosaic),
    "comic": Style(line=(24, 24, 28)),
}
"""What the pipeline is pretrained on, beside plain drawings."""


def _blue(colour: Colour) -> Colour:
    grey = (0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2]) / 255
    return mixed((14, 34, 104), (74, 128, 214), grey)


BLUEPRINT = Style(tint=_blue, line=(244, 248, 255))
"""A style that pretraining never sees: all colours become shades of blue, and outlines are white."""


def random_palette(scene: Scene, chance: random.Random) -> Scene:
    """The scene in colours that mean nothing, so that the autoencoder learns lines and areas of any colour."""

    def some() -> Colour:
        return chance.randrange(256), chance.randrange(256), chance.randrange(256)

    bare = Style(line=some(), filled=False, ground=some())
    lined = Style(line=some())
    other, share = some(), chance.random()
    styles = (bare, lined, Style(tint=lambda colour: mixed(colour, other, share)))
    style = chance.choice(styles)
    return replace(scene, colour=some(), style=style)
