"""Opens image files the way they are learnt from: upright, in RGB, on white, 8 bits a channel.

Belongs here: from a file to a picture, by way of Pillow, which is imported when it is first needed.
Does not belong here: judging files (`check/images.py`), pictures as numbers (`backends/`).
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunekit.errors import MissingExtra

if TYPE_CHECKING:
    from PIL import Image

ORIENTATION = 0x0112
"""The EXIF tag that says how a picture was held (https://www.cipa.jp/std/documents/download_e.html?CIPA_DC-008-2024-E)."""
UPRIGHT = 1
_WIDE_PNG = (b"\x10\x00", b"\x10\x02", b"\x10\x04", b"\x10\x06")
"""Depth 16 with each kind of colour, as the head of a PNG file has it (https://www.w3.org/TR/png/#11IHDR)."""


def pillow() -> Any:
    """Pillow's module `PIL.Image`.

    Raises:
        MissingExtra: Pillow is not installed.
    """
    if find_spec("PIL") is None:
        raise MissingExtra(
            "Working with images needs 'PIL', not installed here.",
            hint="Install the extra: pip install 'tunekit[local]'",
            extra="local",
        )
    from PIL import Image

    return Image


def open_picture(path: str | Path, *, size: int | None = None) -> Image.Image:
    """The picture in a file, in RGB and upright, with transparent parts on white.

    Args:
        path: The file.
        size: Width and height in pixels, to which the middle square is scaled. `None` leaves it as it is.

    Raises:
        MissingExtra: Pillow is not installed.
    """
    pillow()
    from PIL import Image, ImageOps

    with Image.open(path) as stored:
        picture = _in_rgb(ImageOps.exif_transpose(stored), wide=has_wide_channels(stored))
    if size is None or picture.size == (size, size):
        return picture
    return ImageOps.fit(picture, (size, size), method=Image.Resampling.LANCZOS)


def has_wide_channels(image: Image.Image) -> bool:
    """Whether an image has 16 bits a channel. Pillow keeps them for grey ones only, and cuts those of colour PNGs."""
    if image.mode.startswith(("I", "F")):
        return True
    if image.format != "PNG":
        return False
    source = Path(getattr(image, "filename", "") or "")
    if not source.is_file():
        return False
    with source.open("rb") as file:
        return file.read(26)[24:26] in _WIDE_PNG


def has_alpha(image: Image.Image) -> bool:
    """Whether any part of an image is transparent."""
    if not image.has_transparency_data:
        return False
    lowest = image.convert("RGBA").getchannel("A").getextrema()[0]
    return isinstance(lowest, int | float) and lowest < 255


def _in_rgb(image: Image.Image, *, wide: bool) -> Image.Image:
    from PIL import Image

    if wide and image.mode.startswith(("I", "F")):
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(ground, image)
    return image.convert("RGB")
