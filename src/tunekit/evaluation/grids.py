"""Several pictures as one: a grid.

Belongs here: putting pictures side by side.
Does not belong here: words around them (`display/`).
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from tunekit.data.pictures import pillow

if TYPE_CHECKING:
    from PIL.Image import Image

_LEAST_SIDE = 128
"""Pixels to which small pictures are blown up, so that a person sees them."""
_GAP = 4


def grid_of(pictures: Sequence[Image], *, columns: int = 4) -> Image:
    """Pictures in rows from left to right, small ones blown up.

    Args:
        pictures: At least one; all are brought to the size of the first.
        columns: Pictures in a row, at least 1.
    """
    library = pillow()
    side = max(_LEAST_SIDE // max(pictures[0].size), 1)
    width, height = (length * side for length in pictures[0].size)
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    size = (columns * (width + _GAP) - _GAP, rows * (height + _GAP) - _GAP)
    grid: Image = library.new("RGB", size, "white")
    for place, picture in enumerate(pictures):
        row, column = divmod(place, columns)
        shown = picture.convert("RGB").resize((width, height), library.Resampling.NEAREST)
        grid.paste(shown, (column * (width + _GAP), row * (height + _GAP)))
    return grid


def png_of(picture: Image) -> bytes:
    """A picture as the bytes of a PNG file."""
    file = BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()
