"""Pictures of a backend that pretends.

Belongs here: a picture that is the same for the same request.
Does not belong here: the verbs of the backend (`backend.py`).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from tunekit.data.pictures import pillow
from tunekit.jobs.backend import Drawing

if TYPE_CHECKING:
    from PIL.Image import Image

_SIZE = 32
_FIELDS = 4


def pretended(whose: str, prompt: str, drawing: Drawing) -> list[Image]:
    """Sixteen coloured fields for each picture, from a digest of all that decides it."""
    first = drawing.seed or 0
    return [_fields(f"{whose}\n{prompt}\n{first + place}") for place in range(drawing.num_images)]


def _fields(request: str) -> Image:
    values = hashlib.shake_128(request.encode()).digest(3 * _FIELDS * _FIELDS)
    library = pillow()
    small: Image = library.frombytes("RGB", (_FIELDS, _FIELDS), values)
    return small.resize((_SIZE, _SIZE), library.Resampling.NEAREST)
